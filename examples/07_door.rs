//! Lesson 7: a state machine. The code lock of the OTP documentation: it opens when the right buttons are pressed, and
//! locks itself again; what is pressed while the door is open is for the next time.

use ravelin::prelude::*;
use ravelin::statem::{Entry, Event, HandleEvent, Machine, Next, StateCx, StateMachine};
use ravelin::{runtimes::Tokio, start};
use std::time::Duration;

#[derive(Debug, Message)]
struct Button(char);

/// Answered when the door is open, however long that takes.
#[derive(Message)]
struct Enter;

/// Answered when the door is locked.
#[derive(Message)]
struct Leave;

#[derive(Message)]
#[message(reply = bool)]
struct IsLocked;

/// The door has been open long enough.
#[derive(Message)]
struct Close;

/// Nobody has pressed a button for a while.
#[derive(Message)]
struct Forget;

/// What all states share.
struct Lock {
    code: &'static str,
}

/// What was typed makes sense only while the door is locked.
#[derive(Debug)]
enum Door {
    Locked { typed: String },
    Open,
}

impl Door {
    fn locked() -> Door {
        Door::Locked { typed: String::new() }
    }
}

impl StateMachine for Lock {
    type Args = &'static str;
    type State = Door;

    async fn init(code: &'static str, _: &mut StateCx<'_, Self>) -> Result<(Self, Door), Exit> {
        Ok((Lock { code }, Door::locked()))
    }

    async fn enter(&mut self, door: &mut Door, entry: Entry<Door>, cx: &mut StateCx<'_, Self>) {
        println!("{door:?} <- {entry:?}");
        if let Door::Open = door {
            cx.state_timeout(Duration::from_millis(20), Close);
        }
    }
}

impl HandleEvent<Button> for Lock {
    async fn handle_event(
        &mut self,
        door: &mut Door,
        event: Event<Button>,
        cx: &mut StateCx<'_, Self>,
    ) -> Next<Door> {
        match door {
            Door::Locked { typed } => {
                typed.push(event.message.0);
                if typed.ends_with(self.code) {
                    return Next::Change(Door::Open);
                }
                cx.timeout("forget", Duration::from_secs(30), Forget);
            }
            Door::Open => cx.postpone(event),
        }
        Next::Keep
    }
}

impl HandleEvent<Enter> for Lock {
    async fn handle_event(
        &mut self,
        door: &mut Door,
        event: Event<Enter>,
        cx: &mut StateCx<'_, Self>,
    ) -> Next<Door> {
        match door {
            Door::Locked { .. } => cx.postpone(event),
            Door::Open => event.reply.send(()),
        }
        Next::Keep
    }
}

impl HandleEvent<Leave> for Lock {
    async fn handle_event(
        &mut self,
        door: &mut Door,
        event: Event<Leave>,
        cx: &mut StateCx<'_, Self>,
    ) -> Next<Door> {
        match door {
            Door::Locked { .. } => event.reply.send(()),
            Door::Open => cx.postpone(event),
        }
        Next::Keep
    }
}

impl HandleEvent<IsLocked> for Lock {
    async fn handle_event(
        &mut self,
        door: &mut Door,
        event: Event<IsLocked>,
        _: &mut StateCx<'_, Self>,
    ) -> Next<Door> {
        event.reply.send(matches!(door, Door::Locked { .. }));
        Next::Keep
    }
}

impl HandleEvent<Close> for Lock {
    async fn handle_event(&mut self, _: &mut Door, _: Event<Close>, _: &mut StateCx<'_, Self>) -> Next<Door> {
        Next::Change(Door::locked())
    }
}

impl HandleEvent<Forget> for Lock {
    async fn handle_event(
        &mut self,
        door: &mut Door,
        _: Event<Forget>,
        _: &mut StateCx<'_, Self>,
    ) -> Next<Door> {
        match door {
            Door::Locked { typed } if !typed.is_empty() => Next::Change(Door::locked()),
            _ => Next::Keep,
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let lock = ActorRef::<Machine<Lock>>::place("lock");
    let app =
        start(Tokio::current(), Supervisor::one_for_one("house").child(child(&lock, || "4711"))).await?;
    for button in "0815".chars() {
        lock.cast(Button(button))?;
    }
    println!("after the wrong code it is locked: {}", lock.call(IsLocked).await?);
    for button in "471147".chars() {
        lock.cast(Button(button))?; // the last two are pressed while it is open
    }
    lock.call(Enter).await?;
    println!("the first one is inside");
    lock.call(Leave).await?;
    for button in "11".chars() {
        lock.cast(Button(button))?; // with the two that were postponed that is the code
    }
    lock.call(Enter).await?;
    println!("the second one is inside");
    lock.call(Leave).await?;
    let is_locked = lock.call(IsLocked).await?;
    app.stop().await;
    println!("the last one found the door locked: {is_locked}");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}
