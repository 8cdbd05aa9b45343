//! Pids and ways back inside of messages that cross between two systems, by a codec that describes nothing.

use ravelin_core::crossing::{self, Answer, Crossing, FarReply, WayBack};
use ravelin_core::runtimes::Local;
use ravelin_core::{
    Actor, ActorRef, CallError, Caller, Cx, Exit, Handle, Message, Pid, ReplyTo, Serve, System,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::mem::take;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).map_err(|why| why.to_string())
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bincode::serde::decode_from_slice(bytes, bincode::config::standard()) {
        Ok((value, read)) if read == bytes.len() => Ok(value),
        Ok(_) => Err("bytes are left over".into()),
        Err(why) => Err(why.to_string()),
    }
}

type Answers = Arc<Mutex<Vec<(u64, Result<Vec<u8>, CallError<()>>)>>>;

/// One side of the way between two nodes, which know each other as node 1. On the way 0 is the sender's node.
struct Side {
    system: System,
    ways: Mutex<BTreeMap<u64, WayBack>>,
    callers: Mutex<BTreeMap<u64, Caller>>,
    answers: Answers,
}

impl Side {
    fn new(system: &System) -> Arc<Side> {
        let (ways, callers, answers) = Default::default();
        Arc::new(Side { system: system.clone(), ways, callers, answers })
    }

    fn encode<T: Serialize>(self: &Arc<Side>, value: &T) -> Result<Vec<u8>, String> {
        crossing::with(self.clone(), || encode(value))
    }

    fn decode<T: DeserializeOwned>(self: &Arc<Side>, bytes: &[u8]) -> Result<T, String> {
        crossing::with(self.clone(), || decode(bytes))
    }

    /// Takes the answers that were given to `other`, and ends the calls there.
    fn return_answers(self: &Arc<Side>, other: &Arc<Side>) {
        for (number, answer) in take(&mut *self.answers.lock().unwrap()) {
            let way = other.ways.lock().unwrap().remove(&number).expect("an answer to a call");
            match answer {
                Ok(bytes) => drop(crossing::with(other.clone(), || way.answer(|| decode(&bytes)))),
                Err(why) => way.fail(why),
            }
        }
    }
}

impl Crossing for Side {
    fn system(&self) -> &System {
        &self.system
    }
    fn pid_out(&self, pid: Pid) -> Result<Pid, String> {
        if pid.node() > 1 { Err(format!("{pid} is of a third node")) } else { Ok(pid) }
    }
    fn pid_in(&self, pid: Pid) -> Result<Pid, String> {
        match pid.node() {
            node @ (0 | 1) => Ok(Pid::from_parts(1 - node, pid.slot(), pid.serial())),
            node => Err(format!("{node} is no node")),
        }
    }
    fn reply_out(&self, way: WayBack) -> Result<u64, String> {
        let mut ways = self.ways.lock().unwrap();
        let number = ways.len() as u64 + 10;
        ways.insert(number, way);
        Ok(number)
    }
    fn reply_in(&self, number: u64) -> Result<Box<dyn FarReply>, String> {
        Ok(Box::new(Far { number, answers: self.answers.clone() }))
    }
    fn caller_in(&self, number: u64, caller: Caller) {
        self.callers.lock().unwrap().insert(number, caller);
    }
}

struct Far {
    number: u64,
    answers: Answers,
}

impl FarReply for Far {
    fn answer(self: Box<Self>, answer: Result<Answer<'_>, CallError<()>>) {
        let answer = answer.map(|answer| encode(&answer).unwrap());
        self.answers.lock().unwrap().push((self.number, answer));
    }
}

/// Polls it once.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Two systems, each with its side of the way, on one thread.
fn on_two_nodes<F: Future<Output = ()>>(test: impl FnOnce([Arc<Side>; 2]) -> F) {
    let local = Local::new();
    let systems = [System::new(local.clone()), System::new(local.clone())];
    local.block_on(test([Side::new(&systems[0]), Side::new(&systems[1])]));
    local.shutdown();
}

/// Something with a way back in it, to be passed on.
#[derive(Debug, Deserialize, Serialize)]
struct Passed {
    before: String,
    reply: ReplyTo<Vec<u16>>,
    who: Pid,
}

fn passed(reply: ReplyTo<Vec<u16>>) -> Passed {
    Passed { before: "text".into(), reply, who: Pid::from_parts(0, 7, 3) }
}

#[test]
fn a_pid_means_another_number_on_each_side_and_nothing_outside_of_a_crossing() {
    on_two_nodes(async |[here, there]| {
        let rows = [(0, 1), (1, 0)];
        for (node, seen_as) in rows {
            let bytes = here.encode(&Pid::from_parts(node, 500, u64::MAX)).unwrap();
            assert_eq!(there.decode::<Pid>(&bytes), Ok(Pid::from_parts(seen_as, 500, u64::MAX)));
        }
        let third = here.encode(&Pid::from_parts(2, 1, 1)).unwrap_err();
        assert!(third.contains("third node"), "{third}");
        let bytes = encode(&(9_u32, 1_u32, 1_u64)).unwrap();
        assert!(there.decode::<Pid>(&bytes).unwrap_err().contains("9 is no node"));
        let bytes = encode(&(0_u32, 1_u32, 0_u64)).unwrap();
        assert!(there.decode::<Pid>(&bytes).unwrap_err().contains("serial 0"));
        for error in [encode(&Pid::from_parts(0, 1, 1)).unwrap_err(), decode::<Pid>(&[0, 1, 1]).unwrap_err()]
        {
            assert!(error.contains("crossing::with"), "{error}");
        }
    });
}

#[test]
fn who_answers_on_the_other_side_answers_the_call() {
    on_two_nodes(async |[here, there]| {
        let (reply, asking) = here.system.asking::<Vec<u16>>();
        let message = passed(reply);
        let bytes = here.encode(&message).unwrap();
        drop(message);
        let arrived: Passed = there.decode(&bytes).unwrap();
        assert_eq!((arrived.before.as_str(), arrived.who.node()), ("text", 1));
        assert!(arrived.reply.is_call() && arrived.reply.is_awaited());
        arrived.reply.send(vec![1, 2, 3]);
        there.return_answers(&here);
        assert_eq!(asking.await, Ok(vec![1, 2, 3]));
        // That of a cast crosses too, and is nobody's.
        let bytes = here.encode(&passed(ReplyTo::nobody())).unwrap();
        let arrived: Passed = there.decode(&bytes).unwrap();
        assert!(!arrived.reply.is_call());
    });
}

#[test]
fn a_call_whose_way_back_crossed_ends_whatever_becomes_of_it() {
    on_two_nodes(async |[here, there]| {
        let cross = |reply: ReplyTo<Vec<u16>>| {
            let bytes = here.encode(&passed(reply)).unwrap();
            let number = *here.ways.lock().unwrap().last_key_value().unwrap().0;
            (bytes, number)
        };
        // It is dropped there.
        let (reply, asking) = here.system.asking();
        drop(there.decode::<Passed>(&cross(reply).0).unwrap());
        there.return_answers(&here);
        assert_eq!(asking.await, Err(CallError::NoReply));
        // It fails there.
        let (reply, asking) = here.system.asking();
        let arrived: Passed = there.decode(&cross(reply).0).unwrap();
        arrived.reply.fail(CallError::Exited(Exit::Killed));
        there.return_answers(&here);
        assert_eq!(asking.await, Err(CallError::Exited(Exit::Killed)));
        // The other side is lost.
        let (reply, asking) = here.system.asking();
        cross(reply);
        for (_, way) in take(&mut *here.ways.lock().unwrap()) {
            way.fail(CallError::Exited(Exit::NoConnection));
        }
        assert_eq!(asking.await, Err(CallError::Exited(Exit::NoConnection)));
        // The answer can not be read here.
        let (reply, asking) = here.system.asking();
        let (_, number) = cross(reply);
        let way = here.ways.lock().unwrap().remove(&number).unwrap();
        way.answer(|| decode(&[3, 1])).unwrap_err();
        let error = asking.await.unwrap_err();
        assert!(
            matches!(&error, CallError::NotUnderstood(text) if text.contains("could not be read")),
            "{error:?}"
        );
        // It has more bytes than it should.
        let (reply, asking) = here.system.asking();
        let (_, number) = cross(reply);
        let way = here.ways.lock().unwrap().remove(&number).unwrap();
        way.answer(|| decode(&[1, 1, 1])).unwrap_err();
        assert!(matches!(asking.await, Err(CallError::NotUnderstood(_))));
        // Whoever carries it forgets it.
        let (reply, asking) = here.system.asking();
        cross(reply);
        here.ways.lock().unwrap().clear();
        assert_eq!(asking.await, Err(CallError::NoReply));
    });
}

#[test]
fn a_message_that_was_not_sent_after_all_is_as_before() {
    on_two_nodes(async |[here, there]| {
        let (reply, mut asking) = here.system.asking();
        let message = passed(reply);
        here.encode(&message).unwrap();
        let twice = here.encode(&message).unwrap_err();
        assert!(twice.contains("crossed"), "{twice}");
        here.ways.lock().unwrap().clear();
        assert!(poll(&mut asking).is_pending(), "nothing has happened");
        let arrived: Passed = there.decode(&here.encode(&message).unwrap()).unwrap();
        here.ways.lock().unwrap().clear();
        drop(arrived);
        there.answers.lock().unwrap().clear();
        assert!(poll(&mut asking).is_pending());
        message.reply.send(vec![4]);
        assert_eq!(asking.await, Ok(vec![4]));
    });
}

#[test]
fn the_callers_time_and_that_it_has_gone_cross_too() {
    on_two_nodes(async |[here, there]| {
        let hour = Duration::from_secs(3600);
        let (reply, asking) = here.system.asking::<Vec<u16>>();
        let mut asking = asking.timeout(hour);
        let left = asking.begin().unwrap().unwrap();
        assert!(left <= hour);
        let bytes = here.encode(&passed(reply)).unwrap();
        let way = here.ways.lock().unwrap().pop_last().unwrap().1;
        assert!(way.poll_gone(&mut Context::from_waker(Waker::noop())).is_pending());

        let place = ActorRef::<Late>::unnamed();
        there.system.start(&place, ()).await.unwrap();
        let arrived: Passed = there.decode(&bytes).unwrap();
        place.cast_request(Work, arrived.reply).unwrap();
        let left = place.call(Left).await.unwrap();
        assert!(left.is_some_and(|left| left <= hour && left > hour / 2), "{left:?}");

        drop(asking);
        assert!(way.poll_gone(&mut Context::from_waker(Waker::noop())).is_ready());
        there.callers.lock().unwrap().clear();
        assert!(!place.call(IsAwaited).await.unwrap());
        there.system.shut_down_all(hour).await;
        assert_eq!(there.answers.lock().unwrap().len(), 0, "no answer goes to one that has gone");
    });
}

#[test]
fn the_end_of_who_passed_a_call_on_to_another_node_does_not_end_it() {
    on_two_nodes(async |[here, there]| {
        let place = ActorRef::<Late>::unnamed();
        let pid = here.system.start(&place, ()).await.unwrap();
        let mut call = Box::pin(place.call(Work));
        assert!(poll(&mut call).is_pending());
        let bytes = place.call(PassOn(here.clone())).await.unwrap();
        here.system.stop(pid, Exit::error("passed on")).await.unwrap();
        assert!(poll(&mut call).is_pending(), "it is another node's to answer");
        let arrived: Passed = there.decode(&bytes).unwrap();
        arrived.reply.send(vec![8]);
        there.return_answers(&here);
        assert!(matches!(call.await, Ok(answer) if answer == [8]));
    });
}

/// Keeps a call.
struct Late {
    kept: Option<ReplyTo<Vec<u16>>>,
    left: Option<Duration>,
}

#[derive(Debug)]
struct Work;
impl Message for Work {
    type Reply = Vec<u16>;
}

struct Left;
impl Message for Left {
    type Reply = Option<Duration>;
}

struct IsAwaited;
impl Message for IsAwaited {
    type Reply = bool;
}

struct PassOn(Arc<Side>);
impl Message for PassOn {
    type Reply = Vec<u8>;
}

impl Actor for Late {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Late { kept: None, left: None })
    }
}

impl Serve<Work> for Late {
    async fn serve(&mut self, _: Work, reply: ReplyTo<Vec<u16>>, cx: &mut Cx<Self>) {
        self.left = cx.deadline().map(|deadline| deadline - cx.now());
        self.kept = Some(reply);
    }
}

impl Handle<Left> for Late {
    async fn handle(&mut self, _: Left, _: &mut Cx<Self>) -> Option<Duration> {
        self.left
    }
}

impl Handle<IsAwaited> for Late {
    async fn handle(&mut self, _: IsAwaited, _: &mut Cx<Self>) -> bool {
        self.kept.as_ref().is_some_and(ReplyTo::is_awaited)
    }
}

impl Handle<PassOn> for Late {
    async fn handle(&mut self, to: PassOn, _: &mut Cx<Self>) -> Vec<u8> {
        to.0.encode(&passed(self.kept.take().unwrap_or(ReplyTo::nobody()))).unwrap()
    }
}
