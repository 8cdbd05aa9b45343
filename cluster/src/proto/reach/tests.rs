//! What one node does, event by event, and what several do on a network that delays, cuts and crashes.

use super::mesh::Mesh;
use super::*;
use crate::name::Incarnation;

pub(super) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(super) fn peer(name: &str, incarnation: u64) -> Peer {
    let id = NodeId { name: name.parse().unwrap(), incarnation: Incarnation(incarnation) };
    Peer { id, endpoint: Endpoint(format!("{name}:4370").into()) }
}

fn elsewhere(name: &str, incarnation: u64) -> Peer {
    Peer { endpoint: Endpoint("elsewhere:4370".into()), ..peer(name, incarnation) }
}

/// A node `m`, and its clock.
struct One {
    reach: Reach,
    now: Time,
}

impl One {
    fn new() -> One {
        One { reach: Reach::new(peer("m", 5), Dialling::default(), 7), now: Time::EPOCH }
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.reach.poll_output()).collect()
    }

    /// The only output, which is a dial.
    #[track_caller]
    fn dial(&mut self) -> LinkId {
        match self.outputs()[..] {
            [Output::Dial { link, .. }] => link,
            ref other => panic!("one dial: {other:?}"),
        }
    }

    fn accept(&mut self, peer: &Peer) -> Result<LinkId, Refusal> {
        let link = self.reach.accept(self.now).unwrap();
        self.reach.admit(link, peer, Role::Member, self.now).map(|()| link)
    }

    /// A link to it, that it dialled, is up.
    #[track_caller]
    fn up(&mut self, peer: &Peer) -> LinkId {
        let link = self.accept(peer).unwrap();
        self.reach.handle_link_up(link, self.now);
        let role = Role::Member;
        assert_eq!(self.outputs(), [Output::Up { link, peer: peer.clone(), role }]);
        link
    }

    #[track_caller]
    fn lose(&mut self, link: LinkId, peer: &Peer, lost: Lost, why: Why) {
        self.reach.handle_link_lost(link, lost, self.now);
        let (id, role) = (peer.id.clone(), Role::Member);
        assert_eq!(self.outputs(), [Output::Down { link, id, role, why }]);
    }

    /// Goes on to what is due next.
    fn wait(&mut self) -> Duration {
        let at = self.reach.poll_timeout().unwrap();
        let waited = at - self.now;
        self.now = at;
        self.reach.handle_timeout(at);
        waited
    }
}

#[test]
fn a_node_is_up_with_its_handshake_and_down_at_once_with_its_link() {
    let rows = [
        (Lost::Broken, Why::LinkLost),
        (Lost::Silent, Why::Silent),
        (Lost::Bye, Why::Left),
        (Lost::Unfit, Why::LinkLost),
    ];
    for (lost, why) in rows {
        let (mut one, b) = (One::new(), peer("b", 1));
        let link = one.accept(&b).unwrap();
        assert_eq!(one.outputs(), [], "admitted is not up");
        one.reach.handle_link_up(link, one.now);
        one.reach.handle_link_up(link, one.now);
        assert_eq!(one.outputs().len(), 1, "up once");
        one.lose(link, &b, lost, why);
        one.reach.handle_link_lost(link, Lost::Broken, one.now);
        assert_eq!(one.outputs(), [], "down once");
    }
}

#[test]
fn losses_put_off_the_next_dial_more_and_more_until_a_link_was_steady() {
    let (mut one, b) = (One::new(), peer("b", 1));
    one.reach.handle_member_up(&b, one.now);
    one.wait();
    let mut delays = Vec::new();
    for _ in 0..8 {
        let link = one.dial();
        one.reach.handle_link_lost(link, Lost::Broken, one.now);
        delays.push(one.wait().as_millis());
    }
    for (delay, full) in delays.iter().zip([100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
        assert!((full / 2..=full).contains(delay), "{delays:?}");
    }
    // One that is lost soon goes on in the row; one that was steady begins it anew.
    for (lived, longest) in [(ms(500), 5000), (ms(10_000), 100)] {
        let link = one.dial();
        one.reach.admit(link, &b, Role::Member, one.now).unwrap();
        one.reach.handle_link_up(link, one.now);
        one.outputs();
        one.now = one.now + lived;
        one.lose(link, &b, Lost::Broken, Why::LinkLost);
        let delay = one.wait().as_millis();
        assert!((longest / 2..=longest).contains(&delay), "{delay}");
    }
}

#[test]
fn the_smaller_name_dials_at_once_and_the_larger_waits() {
    for (name, waits) in [("a", ms(500)), ("z", ms(0))] {
        let mut one = One::new();
        one.reach.handle_member_up(&peer(name, 1), one.now);
        if waits > ms(0) {
            assert_eq!(one.outputs(), []);
            assert_eq!(one.wait(), waits);
        }
        one.dial();
    }
}

#[test]
fn of_two_handshakes_at_once_the_one_that_the_smaller_name_dialled_wins() {
    // `m` dials, and the other has dialled too.
    for (name, mine_wins) in [("a", false), ("z", true)] {
        let (mut one, other) = (One::new(), peer(name, 1));
        one.reach.handle_member_up(&other, one.now);
        if !mine_wins {
            one.wait();
        }
        let mine = one.dial();
        let theirs = one.accept(&other);
        let closed = Output::Close { link: mine, why: Close::Refused(Refusal::Duplicate) };
        if mine_wins {
            assert_eq!(theirs, Err(Refusal::Duplicate));
            one.reach.admit(mine, &other, Role::Member, one.now).unwrap();
        } else {
            theirs.unwrap();
            assert_eq!(one.outputs(), [closed]);
            assert_eq!(one.reach.admit(mine, &other, Role::Member, one.now), Err(Refusal::Duplicate));
        }
    }
}

#[test]
fn a_seed_that_turns_out_to_be_one_that_dials_too_gives_way_by_the_same_rule() {
    for (name, mine_wins) in [("a", false), ("z", true)] {
        let (mut one, other) = (One::new(), peer(name, 1));
        one.reach.set_seeds([Endpoint("alias:4370".into())], one.now);
        let mine = one.dial();
        let theirs = one.accept(&other).expect("who is at the seed is not known yet");
        let verdict = one.reach.admit(mine, &other, Role::Member, one.now);
        assert_eq!(verdict, if mine_wins { Ok(()) } else { Err(Refusal::Duplicate) });
        let closed = Output::Close { link: theirs, why: Close::Refused(Refusal::Duplicate) };
        assert_eq!(one.outputs(), if mine_wins { vec![closed] } else { vec![] });
    }
}

#[test]
fn a_dial_that_fails_again_and_again_does_not_keep_out_the_others() {
    let (mut one, z) = (One::new(), peer("z", 1));
    one.reach.handle_member_up(&z, one.now);
    for failed in 0..4 {
        let mine = one.dial();
        let theirs = one.accept(&z);
        assert_eq!(theirs.is_ok(), failed > 2, "after {failed}");
        if theirs.is_err() {
            one.reach.handle_link_lost(mine, Lost::Broken, one.now);
            one.wait();
        }
    }
}

#[test]
fn one_that_is_down_and_linked_again_is_closed_unless_it_comes_back_as_a_member() {
    let (mut one, b) = (One::new(), peer("b", 1));
    one.reach.handle_member_up(&b, one.now);
    one.reach.handle_member_down(&b.id, Gone::Silent, one.now);
    let link = one.up(&b);
    assert_eq!(one.wait(), ms(3000));
    let down = Output::Down { link, id: b.id, role: Role::Member, why: Why::DeclaredDown };
    assert_eq!(one.outputs()[..2], [down, Output::Close { link, why: Close::DeclaredDown }]);
}

#[test]
fn a_link_that_is_up_is_not_displaced_by_its_own_life() {
    let (mut one, b) = (One::new(), peer("b", 1));
    let link = one.up(&b);
    assert_eq!(one.accept(&b), Err(Refusal::Duplicate));
    assert_eq!(one.outputs(), []);
    assert_eq!(one.reach.reached().map(|(link, _, _)| link).collect::<Vec<_>>(), [link]);
}

#[test]
fn a_name_has_one_life_at_a_time() {
    let holder = || peer("b", 5).id;
    let taken = || Err(Refusal::NameTaken { holder: holder() });
    // Who comes; what, while the fifth life is linked, a member without a link, and neither.
    type Verdict = Result<(), Refusal>;
    let rows: [(Peer, [Verdict; 3]); 4] = [
        (peer("b", 5), [Err(Refusal::Duplicate), Ok(()), Ok(())]),
        (elsewhere("b", 6), [taken(), taken(), Ok(())]),
        (peer("b", 6), [Ok(()), Ok(()), Ok(())]),
        (peer("b", 4), std::array::from_fn(|_| Err(Refusal::OldIncarnation { newest: holder() }))),
    ];
    for (comes, expected) in rows {
        for (case, expected) in expected.into_iter().enumerate() {
            let (mut one, b) = (One::new(), peer("b", 5));
            let link = one.up(&b);
            one.reach.handle_member_up(&b, one.now);
            if case > 0 {
                one.lose(link, &b, Lost::Broken, Why::LinkLost);
            }
            if case > 1 {
                one.reach.handle_member_down(&b.id, Gone::Silent, one.now);
            }
            let verdict = one.accept(&comes);
            assert_eq!(verdict.clone().map(drop), expected, "{comes:?}, case {case}");
            let Ok(new) = verdict else { continue };
            one.outputs();
            one.reach.handle_link_up(new, one.now);
            let mut outputs = one.outputs();
            assert_eq!(
                outputs.pop(),
                Some(Output::Up { link: new, peer: comes.clone(), role: Role::Member })
            );
            let replaced = [
                Output::Down { link, id: holder(), role: Role::Member, why: Why::Replaced },
                Output::Close { link, why: Close::Replaced },
            ];
            assert_eq!(outputs, if case == 0 { &replaced[..] } else { &[] });
        }
    }
}

#[test]
fn nobody_else_may_have_this_nodes_name_and_a_seed_that_is_this_node_is_dialled_no_more() {
    let mut one = One::new();
    assert_eq!(one.accept(&peer("m", 6)), Err(Refusal::NameTaken { holder: peer("m", 5).id }));
    one.reach.set_seeds([Endpoint("alias:4370".into())], one.now);
    let link = one.dial();
    assert_eq!(one.reach.admit(link, &peer("m", 5), Role::Member, one.now), Err(Refusal::Myself));
    assert_eq!((one.outputs(), one.reach.poll_timeout()), (vec![], None));
}

#[test]
fn a_refusal_by_others_is_told() {
    let mut one = One::new();
    one.reach.set_seeds([Endpoint("b:4370".into())], one.now);
    let holder = elsewhere("m", 4).id;
    for (waited, _) in [(ms(0), ()), (ms(100), ())] {
        let link = one.dial();
        one.reach.handle_link_lost(
            link,
            Lost::Refused(Refusal::NameTaken { holder: holder.clone() }),
            one.now,
        );
        let [Output::NameTaken { holder: told, lasting }] = &one.outputs()[..] else { panic!("told") };
        assert!(*told == holder && *lasting <= waited);
        one.wait();
    }
    let (link, by) = (one.dial(), peer("m", 6).id);
    one.reach.handle_link_lost(link, Lost::Refused(Refusal::OldIncarnation { newest: by.clone() }), one.now);
    assert_eq!(one.outputs(), [Output::Superseded { by }]);
}

#[test]
fn a_link_that_is_alive_outlives_a_declaration_unless_the_node_does_not_come_back() {
    for comes_back in [true, false] {
        let (mut one, b) = (One::new(), peer("b", 1));
        let link = one.up(&b);
        one.reach.handle_member_up(&b, one.now);
        one.reach.handle_member_down(&b.id, Gone::Silent, one.now);
        if comes_back {
            one.reach.handle_member_up(&b, one.now + ms(10));
            assert_eq!((one.reach.poll_timeout(), one.outputs()), (None, vec![]));
        } else {
            assert_eq!(one.wait(), ms(3000));
            let (id, role, why) = (b.id, Role::Member, Why::DeclaredDown);
            let closed = Output::Close { link, why: Close::DeclaredDown };
            assert_eq!(one.outputs(), [Output::Down { link, id, role, why }, closed]);
        }
    }
}

#[test]
fn one_that_has_left_is_not_dialled_and_one_that_is_down_is_until_it_is_forgotten() {
    for (why, dials) in [(Gone::Left, false), (Gone::Silent, true)] {
        let (mut one, b) = (One::new(), peer("b", 1));
        one.reach.dialling.forget_after = ms(3_600_000);
        let link = one.up(&b);
        one.reach.handle_member_down(&b.id, why, one.now);
        let told = if dials { Why::LinkLost } else { Why::Left };
        one.lose(link, &b, Lost::Broken, told);
        let mut dialled = 0;
        while one.reach.poll_timeout().is_some() && dialled < 2000 {
            one.wait();
            for output in one.outputs() {
                let Output::Dial { link, .. } = output else { panic!("{output:?}") };
                one.reach.handle_link_lost(link, Lost::Broken, one.now);
                dialled += 1;
            }
        }
        assert_eq!(dialled > 600, dials, "every few seconds for an hour: {dialled}");
        assert!(one.reach.nodes.is_empty(), "forgotten");
    }
}

#[test]
fn who_leaves_is_reached_by_nobody_before_its_links_are_told() {
    let (mut one, b) = (One::new(), peer("b", 1));
    let link = one.up(&b);
    one.reach.leave(one.now);
    let down = Output::Down { link, id: b.id, role: Role::Member, why: Why::Left };
    assert_eq!(one.outputs(), [down, Output::Close { link, why: Close::Leaving }]);
}

#[test]
fn what_is_at_its_handshake_is_bounded_in_number_and_time() {
    let mut one = One::new();
    let limit = one.reach.dialling.accepts_max;
    for _ in 0..limit {
        one.reach.accept(one.now).unwrap();
    }
    assert_eq!(one.reach.accept(one.now), None);
    assert_eq!(one.wait(), ms(5000));
    assert_eq!(one.outputs().len(), limit, "all are closed");
    one.reach.set_seeds((0..100).map(|n| Endpoint(format!("seed-{n}:1").into())), one.now);
    assert_eq!(one.outputs().len(), one.reach.dialling.dials_max);
    one.reach.leave(one.now);
    assert_eq!((one.reach.poll_timeout(), one.reach.accept(one.now)), (None, None));
}

#[test]
fn a_client_is_reached_and_not_dialled() {
    let (mut one, c) = (One::new(), peer("c", 1));
    let link = one.reach.accept(one.now).unwrap();
    one.reach.admit(link, &c, Role::Client, one.now).unwrap();
    one.reach.handle_link_up(link, one.now);
    one.outputs();
    one.reach.handle_link_lost(link, Lost::Broken, one.now);
    one.outputs();
    assert_eq!(one.wait(), one.reach.dialling.forget_after);
    assert_eq!(one.outputs(), []);
}

#[test]
fn each_pair_has_one_link_however_they_dial() {
    for seed in 0..150 {
        let mut mesh = Mesh::new(4, seed);
        mesh.all_hear_of_all();
        mesh.run(ms(20_000));
        mesh.check_whole(&format!("seed {seed}"));
        assert!(mesh.told_down() == 0, "nobody flaps, seed {seed}");
        assert!(mesh.dials <= 4 * 3 * 4, "no storm: {} dials, seed {seed}", mesh.dials);
    }
}

#[test]
fn after_cuts_and_crashes_each_pair_has_one_link_again() {
    for seed in 0..50 {
        let mut mesh = Mesh::new(4, seed);
        mesh.all_hear_of_all();
        mesh.trouble(ms(60_000));
        mesh.heal();
        mesh.all_hear_of_all();
        mesh.run(ms(30_000));
        mesh.check_whole(&format!("seed {seed}"));
        // Every 20 ms at the most often, every 5 s in the long run.
        assert!(mesh.dials < 1200, "no storm: {} dials, seed {seed}", mesh.dials);
    }
}

#[test]
fn a_one_way_cut_is_noticed_by_both_and_does_not_flap() {
    for seed in 0..20 {
        let mut mesh = Mesh::new(2, seed);
        mesh.all_hear_of_all();
        mesh.run(ms(5000));
        mesh.check_whole("before");
        mesh.cut(0, 1);
        mesh.run(ms(60_000));
        assert_eq!(mesh.told_down(), 2, "each once, seed {seed}");
        mesh.heal();
        mesh.run(ms(10_000));
        mesh.check_whole(&format!("after, seed {seed}"));
        assert_eq!(mesh.told_down(), 2);
    }
}
