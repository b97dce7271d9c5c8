use proptest::prelude::*;

use super::*;
use crate::{
    examples::{
        adjudicated, appealed, completed, concluded, cross_checked, digest, finding, id, plugin_id, requested, ruling,
        step, validation_id, vendor_id, version,
    },
    testing::{decides_nothing_twice, given},
};

fn request_with(digest: String, pipeline: &[&str]) -> Command {
    Command::Request {
        id: validation_id(),
        plugin: plugin_id(),
        version: version("1.0.0"),
        digest,
        kind: Kind::Skill,
        pipeline: pipeline.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn request() -> Command {
    request_with(digest('a'), &["manifest", "artifact"])
}

fn complete(step: Step) -> Command {
    Command::CompleteStep { step }
}

fn conclude() -> Command {
    Command::Conclude { report: digest('b'), thresholds: Thresholds::default() }
}

fn escalate() -> Command {
    Command::Escalate { reason: "Between the thresholds.".to_owned() }
}

fn escalated() -> Event {
    Event::Escalated { version: version("1.0.0"), reason: "Between the thresholds.".to_owned() }
}

fn adjudicate(verdict: Verdict) -> Command {
    Command::Adjudicate(ruling(verdict, false))
}

fn answer(verdict: Verdict) -> Command {
    Command::Adjudicate(ruling(verdict, true))
}

fn appeal_for(reason: &str) -> Command {
    Command::Appeal { vendor: vendor_id(), reason: reason.to_owned() }
}

fn appeal() -> Command {
    appeal_for("It only calls the host that it names.")
}

/// A validation of which both steps ran and found this.
fn ran(manifest: &[Severity], artifact: &[Severity]) -> Vec<Event> {
    vec![requested(), completed(step("manifest", manifest)), completed(step("artifact", artifact))]
}

fn with(mut history: Vec<Event>, event: Event) -> Vec<Event> {
    history.push(event);
    history
}

/// A validation that the pipeline left to a human.
fn left_to_a_human() -> Vec<Event> {
    with(ran(&[Severity::High], &[]), concluded(75, Verdict::Escalate))
}

#[test]
fn requesting_happens_once() {
    given::<Validations>([]).when(request()).then(requested());
    given::<Validations>([requested()]).when(request()).then_nothing();
    let other_bytes = request_with(digest('c'), &["manifest", "artifact"]);
    given::<Validations>([requested()]).when(other_bytes).then_refused(Error::AlreadyRequested);
    let other_plugin = Command::Request {
        id: validation_id(),
        plugin: id(44),
        version: version("1.0.0"),
        digest: digest('a'),
        kind: Kind::Skill,
        pipeline: vec!["manifest".to_owned()],
    };
    given::<Validations>([requested()]).when(other_plugin).then_refused(Error::AlreadyRequested);
}

#[test]
fn a_pipeline_has_a_step_and_each_once() {
    for pipeline in [&[][..], &["manifest", "manifest"]] {
        given::<Validations>([]).when(request_with(digest('a'), pipeline)).then_refused(Error::InvalidPipeline);
    }
}

#[test]
fn nothing_can_be_asked_of_a_validation_that_was_not_requested() {
    let judged = [adjudicate(Verdict::Approve), answer(Verdict::Approve), appeal()];
    for command in [complete(step("manifest", &[])), conclude(), escalate()].into_iter().chain(judged) {
        given::<Validations>([]).when(command).then_refused(Error::NotRequested);
    }
    given::<Validations>([completed(step("manifest", &[]))]).when(conclude()).then_refused(Error::NotRequested);
}

#[test]
fn steps_run_in_order_and_once() {
    let manifest = || step("manifest", &[Severity::Low]);
    let artifact = || step("artifact", &[]);
    let unexpected = |name: &str| Error::UnexpectedStep(name.to_owned());
    given::<Validations>([requested()]).when(complete(manifest())).then(completed(manifest()));
    given::<Validations>([requested()]).when(complete(artifact())).then_refused(unexpected("artifact"));
    let one_ran = || [requested(), completed(manifest())];
    given::<Validations>(one_ran()).when(complete(manifest())).then_nothing();
    given::<Validations>(one_ran()).when(complete(step("manifest", &[]))).then_refused(unexpected("manifest"));
    given::<Validations>(one_ran()).when(complete(artifact())).then(completed(artifact()));
    let over = || with(ran(&[], &[]), concluded(100, Verdict::Approve));
    given::<Validations>(over()).when(complete(step("artifact", &[]))).then_nothing();
    given::<Validations>(over()).when(complete(step("semantics", &[]))).then_refused(Error::AlreadyConcluded);
}

#[test]
fn every_step_must_have_run_before_the_conclusion() {
    let missing = |name: &str| Error::StepsMissing(name.to_owned());
    given::<Validations>([requested()]).when(conclude()).then_refused(missing("manifest"));
    given::<Validations>([requested(), completed(step("manifest", &[]))])
        .when(conclude())
        .then_refused(missing("artifact"));
}

#[test]
fn the_confidence_decides_the_verdict() {
    use Severity::{High, Info, Low, Medium};
    let cases: [(&[Severity], &[Severity], u8, Verdict); 8] = [
        (&[], &[], 100, Verdict::Approve),
        (&[Info, Info], &[], 100, Verdict::Approve),
        (&[Medium], &[Low], 90, Verdict::Approve),
        (&[Medium], &[Low, Low], 88, Verdict::Escalate),
        (&[High], &[Low, Low], 71, Verdict::Escalate),
        (&[High, Low], &[Low, Low], 69, Verdict::Reject),
        (&[High, High, High], &[High], 0, Verdict::Reject),
        (&[High, High, High, High, High], &[Low], 0, Verdict::Reject),
    ];
    for (manifest, artifact, confidence, verdict) in cases {
        given::<Validations>(ran(manifest, artifact)).when(conclude()).then(concluded(confidence, verdict));
    }
}

#[test]
fn thresholds_are_inclusive_and_can_be_others() {
    let conclude =
        |approve, escalate| Command::Conclude { report: digest('b'), thresholds: Thresholds { approve, escalate } };
    for (approve, escalate, verdict) in
        [(92, 70, Verdict::Approve), (93, 92, Verdict::Escalate), (94, 93, Verdict::Reject)]
    {
        given::<Validations>(ran(&[Severity::Medium], &[])).when(conclude(approve, escalate)).then(Event::Concluded {
            version: version("1.0.0"),
            confidence: 92,
            verdict,
            report: digest('b'),
            thresholds: Thresholds { approve, escalate },
        });
    }
}

#[test]
fn what_blocks_rejects_whatever_the_thresholds_are() {
    let lenient = || Command::Conclude { report: digest('b'), thresholds: Thresholds { approve: 0, escalate: 0 } };
    let rejected = |confidence| Event::Concluded {
        version: version("1.0.0"),
        confidence,
        verdict: Verdict::Reject,
        report: digest('b'),
        thresholds: Thresholds { approve: 0, escalate: 0 },
    };
    given::<Validations>(ran(&[Severity::Critical], &[])).when(lenient()).then(rejected(0));
    let failed = Step { outcome: Outcome::Failed, ..step("artifact", &[]) };
    given::<Validations>([requested(), completed(step("manifest", &[])), completed(failed)])
        .when(lenient())
        .then(rejected(100));
    let mislabelled = Step { outcome: Outcome::Passed, penalty: 0, ..step("artifact", &[Severity::Critical]) };
    given::<Validations>([requested(), completed(step("manifest", &[])), completed(mislabelled)])
        .when(lenient())
        .then(rejected(100));
}

#[test]
fn a_skipped_step_counts_neither_way() {
    let skipped = Step { penalty: 50, ..Step::skipped("artifact") };
    given::<Validations>([requested(), completed(step("manifest", &[Severity::Low])), completed(skipped)])
        .when(conclude())
        .then(concluded(98, Verdict::Approve));
}

#[test]
fn a_conclusion_stands() {
    let over = || with(ran(&[], &[]), concluded(100, Verdict::Approve));
    given::<Validations>(over()).when(conclude()).then_nothing();
    let other = Command::Conclude { report: digest('c'), thresholds: Thresholds::default() };
    given::<Validations>(over()).when(other).then_refused(Error::AlreadyConcluded);
}

#[test]
fn a_human_is_asked_only_where_the_pipeline_leaves_it_to_one() {
    given::<Validations>(ran(&[], &[])).when(escalate()).then_refused(Error::NotConcluded);
    given::<Validations>(left_to_a_human()).when(escalate()).then(escalated());
    given::<Validations>(with(left_to_a_human(), escalated())).when(escalate()).then_nothing();
    given::<Validations>(with(left_to_a_human(), adjudicated(Verdict::Approve, false))).when(escalate()).then_nothing();
    given::<Validations>(rejected()).when(escalate()).then_refused(Error::AlreadyConcluded);
}

#[test]
fn an_approval_can_be_left_to_a_human_and_is_theirs_from_then_on() {
    let approved = || with(ran(&[], &[]), concluded(100, Verdict::Approve));
    given::<Validations>(approved()).when(escalate()).then(escalated());
    let left = || with(approved(), escalated());
    given::<Validations>(left()).when(escalate()).then_nothing();
    for verdict in [Verdict::Approve, Verdict::Reject] {
        given::<Validations>(left()).when(adjudicate(verdict)).then(adjudicated(verdict, false));
    }
}

#[test]
fn a_human_says_yes_or_no_once() {
    let decided = || with(with(left_to_a_human(), escalated()), adjudicated(Verdict::Reject, false));
    given::<Validations>(ran(&[], &[])).when(adjudicate(Verdict::Approve)).then_refused(Error::NotConcluded);
    given::<Validations>(left_to_a_human()).when(adjudicate(Verdict::Escalate)).then_refused(Error::VerdictNotFinal);
    for verdict in [Verdict::Approve, Verdict::Reject] {
        given::<Validations>(left_to_a_human()).when(adjudicate(verdict)).then(adjudicated(verdict, false));
    }
    given::<Validations>(decided()).when(adjudicate(Verdict::Reject)).then_nothing();
    given::<Validations>(decided()).when(adjudicate(Verdict::Approve)).then_refused(Error::AlreadyAdjudicated);
}

#[test]
fn a_human_does_not_overrule_a_verdict_that_stands() {
    let approved = || with(ran(&[], &[]), concluded(100, Verdict::Approve));
    given::<Validations>(approved()).when(adjudicate(Verdict::Approve)).then_nothing();
    given::<Validations>(approved()).when(adjudicate(Verdict::Reject)).then_refused(Error::AlreadyConcluded);
}

/// A version that the pipeline rejected.
fn rejected() -> Vec<Event> {
    with(ran(&[Severity::Critical], &[]), concluded(0, Verdict::Reject))
}

/// A version that the pipeline left to a human, who rejected it.
fn rejected_by_a_human() -> Vec<Event> {
    with(left_to_a_human(), adjudicated(Verdict::Reject, false))
}

#[test]
fn only_a_rejection_is_appealed() {
    given::<Validations>(ran(&[], &[])).when(appeal()).then_refused(Error::NotConcluded);
    let approved = with(ran(&[], &[]), concluded(100, Verdict::Approve));
    given::<Validations>(approved).when(appeal()).then_refused(Error::NotRejected);
    // What waits for a human is in front of one already.
    given::<Validations>(with(left_to_a_human(), escalated())).when(appeal()).then_refused(Error::NotRejected);
    let let_in = with(left_to_a_human(), adjudicated(Verdict::Approve, false));
    given::<Validations>(let_in).when(appeal()).then_refused(Error::NotRejected);
    for history in [rejected(), rejected_by_a_human()] {
        given::<Validations>(history).when(appeal()).then(appealed());
    }
}

#[test]
fn a_version_has_one_appeal() {
    let open = || with(rejected(), appealed());
    given::<Validations>(open()).when(appeal()).then_nothing();
    given::<Validations>(open()).when(appeal_for("And another thing.")).then_refused(Error::AlreadyAppealed);
    for verdict in [Verdict::Approve, Verdict::Reject] {
        let answered = || with(open(), adjudicated(verdict, true));
        given::<Validations>(answered()).when(appeal()).then_nothing();
        given::<Validations>(answered()).when(appeal_for("And another thing.")).then_refused(Error::AlreadyAppealed);
    }
}

#[test]
fn an_appeal_is_answered_once() {
    for history in [rejected(), rejected_by_a_human()] {
        let open = || with(history.clone(), appealed());
        given::<Validations>(open()).when(answer(Verdict::Escalate)).then_refused(Error::VerdictNotFinal);
        for (verdict, other) in [(Verdict::Approve, Verdict::Reject), (Verdict::Reject, Verdict::Approve)] {
            given::<Validations>(open()).when(answer(verdict)).then(adjudicated(verdict, true));
            let answered = || with(open(), adjudicated(verdict, true));
            given::<Validations>(answered()).when(answer(verdict)).then_nothing();
            given::<Validations>(answered()).when(answer(other)).then_refused(Error::AlreadyAdjudicated);
        }
        given::<Validations>(history).when(answer(Verdict::Approve)).then_refused(Error::NotAppealed);
    }
}

#[test]
fn what_a_person_said_last_counts() {
    let said = |history: Vec<Event>| match crate::testing::state_after::<Validations>(history) {
        State::Requested(validation) => validation.ruling().cloned(),
        State::Absent => panic!("never requested"),
    };
    assert_eq!(said(rejected()), None);
    assert_eq!(said(rejected_by_a_human()), Some(ruling(Verdict::Reject, false)));
    let open = || with(rejected_by_a_human(), appealed());
    assert_eq!(said(open()), Some(ruling(Verdict::Reject, false)));
    let overturned = with(open(), adjudicated(Verdict::Approve, true));
    assert_eq!(said(overturned), Some(ruling(Verdict::Approve, true)));
}

#[test]
fn whoever_does_not_know_of_the_appeal_does_not_answer_it() {
    for history in [rejected(), rejected_by_a_human()] {
        let open = || with(history.clone(), appealed());
        given::<Validations>(open()).when(adjudicate(Verdict::Reject)).then_nothing();
        given::<Validations>(open()).when(adjudicate(Verdict::Approve)).then_refused(Error::AppealOpen);
    }
    let overturned = || with(with(rejected_by_a_human(), appealed()), adjudicated(Verdict::Approve, true));
    given::<Validations>(overturned()).when(adjudicate(Verdict::Reject)).then_nothing();
    given::<Validations>(overturned()).when(adjudicate(Verdict::Approve)).then_refused(Error::AlreadyAdjudicated);
}

#[test]
fn a_step_lists_the_worst_first_and_counts_all() {
    let mut findings = vec![finding(Severity::Low); 60];
    findings.push(finding(Severity::High));
    let step = Step::from_findings("manifest", findings);
    assert_eq!(step.findings.len(), Step::MAX_FINDINGS);
    assert_eq!(step.findings[0].severity, Severity::High);
    assert_eq!(step.finding_count, 61);
    assert_eq!(step.penalty, 25);
    assert_eq!(step.outcome, Outcome::Passed);
    assert_eq!(Step::from_findings("manifest", vec![finding(Severity::Critical)]).outcome, Outcome::Failed);
}

#[test]
fn findings_of_one_severity_keep_their_order() {
    let named = |rule: &str| Finding { rule: rule.to_owned(), ..finding(Severity::Low) };
    let step = Step::from_findings("manifest", vec![named("b"), named("a")]);
    assert_eq!(step.findings.iter().map(|finding| finding.rule.as_str()).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn penalties_add_up_to_at_most_100_and_a_rule_counts_once() {
    let of = |rule: &str, severity| Finding { rule: rule.to_owned(), ..finding(severity) };
    assert_eq!(penalty(&[]), 0);
    assert_eq!(penalty(&[of("a", Severity::Info), of("b", Severity::Low), of("c", Severity::High)]), 27);
    assert_eq!(penalty(&[of("a", Severity::Low), of("a", Severity::Medium), of("a", Severity::Low)]), 8);
    assert_eq!(penalty(&[of("a", Severity::Critical), of("b", Severity::Critical)]), 100);
}

fn command() -> impl Strategy<Value = Command> {
    let severity = || prop::sample::select(vec![Severity::Info, Severity::Low, Severity::High, Severity::Critical]);
    let name = || prop::sample::select(vec!["manifest", "artifact"]);
    let verdict = || prop::sample::select(vec![Verdict::Approve, Verdict::Escalate, Verdict::Reject]);
    prop_oneof![
        2 => Just(request()),
        4 => (name(), prop::collection::vec(severity(), 0..3)).prop_map(|(name, found)| complete(step(name, &found))),
        2 => Just(conclude()),
        1 => Just(escalate()),
        1 => verdict().prop_map(adjudicate),
        1 => verdict().prop_map(answer),
        1 => prop::sample::select(vec!["It calls nobody.", "It calls home."]).prop_map(appeal_for),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        decides_nothing_twice::<Validations>(commands, |_| true)?;
    }
}

#[test]
fn runs_that_disagree_leave_an_approval_to_a_human() {
    let steps = || vec![requested(), completed(step("manifest", &[])), completed(step("artifact", &[]))];
    let with = |attempts: &[u16]| [steps(), vec![cross_checked(attempts)]].concat();
    let report = "ab".repeat(32);
    let conclude = || Command::Conclude { report: report.clone(), thresholds: Thresholds::default() };
    let concluded_as = |events: Vec<Event>, expected: Verdict| {
        let state = events.iter().fold(State::default(), Validations::evolve);
        let decided = Validations::decide(&state, conclude()).unwrap();
        assert!(matches!(&decided[..], [Event::Concluded { verdict, .. }] if *verdict == expected), "{decided:?}");
    };
    concluded_as(steps(), Verdict::Approve);
    concluded_as(with(&[640, 990]), Verdict::Approve);
    concluded_as(with(&[640, 655]), Verdict::Escalate);
}

#[test]
fn a_cross_check_is_recorded_once_and_before_the_end() {
    let check = CrossCheck { samples: 3, attempts: vec![640, 655] };
    given::<Validations>([requested()]).when(Command::CrossCheck(check.clone())).then(cross_checked(&[640, 655]));
    given::<Validations>([requested(), cross_checked(&[1_000])])
        .when(Command::CrossCheck(check.clone()))
        .then_nothing();
    given::<Validations>([]).when(Command::CrossCheck(check)).then_refused(Error::NotRequested);
}
