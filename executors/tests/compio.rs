//! The suite over compio, a fresh io_uring runtime for each case.

use ravelin_core::conformance::Case;
use ravelin_core::executor_suite;
use ravelin_executors::runtimes::on_compio;

fn in_a_task(case: Case) {
    compio::runtime::Runtime::new().unwrap().block_on(async { case.in_task(on_compio()).await });
}

fn from_outside(case: Case) {
    compio::runtime::Runtime::new().unwrap().block_on(async { case.outside(on_compio()).await });
}

executor_suite!(compio_in_a_task, in_a_task);
executor_suite!(compio_from_outside, from_outside);

/// What compio is for: files through io_uring, from an actor that is supervised as any other.
mod a_pinned_actor {
    use compio::fs::{File, OpenOptions};
    use compio::io::{AsyncReadAtExt, AsyncWriteAtExt};
    use ravelin_core::{ActorRef, CallError, Exit, Message};
    use ravelin_executors::pinned::{LocalActor, LocalCx, LocalHandle, Pinned, pinned};
    use ravelin_executors::runtimes::on_compio;
    use ravelin_supervisor::{Supervisor, child, start};
    use std::path::PathBuf;

    /// A file with a number in it. compio's `File` is not `Send`.
    struct Count(File);

    impl LocalActor for Count {
        type Args = PathBuf;
        async fn init(path: PathBuf, _: &mut LocalCx<Self>) -> Result<Self, Exit> {
            Ok(Count(OpenOptions::new().read(true).write(true).create(true).open(path).await?))
        }
    }

    struct Next;
    impl Message for Next {
        type Reply = u8;
    }

    impl LocalHandle<Next> for Count {
        async fn handle(&mut self, _: Next, _: &mut LocalCx<Self>) -> u8 {
            let (_, bytes) = self.0.read_to_end_at(Vec::new(), 0).await.unwrap();
            let next = bytes.first().map_or(1, |n: &u8| n + 1);
            assert!(next < 3, "the file is full");
            self.0.write_all_at([next], 0).await.unwrap();
            next
        }
    }

    #[test]
    fn owns_a_file_of_compios_and_is_restarted_on_its_thread() {
        compio::runtime::Runtime::new().unwrap().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("count");
            let rt = on_compio();
            let count = ActorRef::<Pinned<Count>>::place("count");
            let thread = rt.clone();
            let args = move || pinned(thread.clone(), path.clone());
            let app = start(rt, Supervisor::one_for_one("app").child(child(&count, args))).await.unwrap();
            assert_eq!(count.call(Next).await.unwrap(), 1);
            assert_eq!(count.call(Next).await.unwrap(), 2);
            let full = count.call(Next).await;
            assert!(matches!(full, Err(CallError::Exited(Exit::Panic(_)))), "{full:?}");
            count.ready().await;
            assert!(count.call(Next).await.is_err(), "the file is as it was");
            app.stop().await;
        });
    }
}
