//! x
use ravelin_core::runtimes::Local;
use ravelin_core::*;
struct Word(&'static str);
impl Message for Word {
    type Reply = ();
}
#[test]
fn selective() {
    let local = Local::new();
    let system = System::new(local.clone());
    local.block_on(async move {
        let task = system
            .spawn_task(|mut inbox: Inbox<Word>| async move {
                eprintln!("start");
                let second = inbox.recv_matching(|word| word.0 == "second").await.map(|word| word.0);
                eprintln!("second {second:?}");
                let first = inbox.recv().await.map(|word| word.0);
                eprintln!("first {first:?}");
                assert_eq!((second, first), (Some("second"), Some("first")));
            })
            .await
            .unwrap();
        let pid = task.pid().unwrap();
        eprintln!("up");
        task.cast(Word("first")).unwrap();
        task.cast(Word("second")).unwrap();
        eprintln!("sent");
        assert_eq!(system.ended(pid).await, ravelin_core::Exit::Normal);
    });
}
