//! Souk as its four kinds of processes: the same journey, and the end of each.

use souk_tests::{
    client::Client,
    journey::{People, walk},
    process::Kind,
};

use crate::{
    cluster::{Cluster, Plan, Standin},
    support::unique,
};

/// Walks the journey on every HTTP interface, then ends all processes.
async fn passes_the_journey(plan: &Plan) {
    let mut cluster = Cluster::start(plan).await;
    let admin = cluster.admin().await;
    for base in cluster.apis() {
        let people = People { admin: admin.at(&base), tag: unique("j") };
        walk(&Client::new(&base), &people, &mut |_| {}).await.unwrap_or_else(|error| panic!("at {base}: {error}"));
    }
    for (member, souk) in cluster.members() {
        let probe = Client::new(souk.base());
        for path in ["!/health", "!/ready"] {
            let answer = probe.get(path).await.expect("answers");
            assert_eq!(answer.status, 200, "{member:?} {path}: {}", answer.text);
        }
        let metrics = probe.get("!/metrics").await.expect("answers").text;
        assert!(metrics.contains(metric_of(member.0)), "{member:?}: {metrics}");
    }
    let verified = cluster.command(&["rebuild", "--all", "--verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    for (member, status) in cluster.stop_all() {
        assert_eq!(status.code(), Some(0), "{member:?}");
    }
}

/// Whether a process has code that may lie on huge pages, by the flags of its mappings.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn has_huge_text(pid: u32) -> bool {
    let mappings = std::fs::read_to_string(format!("/proc/{pid}/smaps")).expect("the process runs");
    let mut flags = mappings.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
    flags.any(|flags| ["ex", "hg"].iter().all(|flag| flags.split_whitespace().any(|given| given == *flag)))
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn code_lies_on_huge_pages_unless_it_must_not() {
    use souk_embedded_postgres::testing::data_dir;
    use souk_tests::process::{Options, Souk};

    let modes = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let available = modes.contains("[always]") || modes.contains("[madvise]");
    let code = |switch: &str| {
        let home = data_dir();
        let options = Options::default().env("SOUK_HUGE_TEXT", switch);
        let souk = Souk::start(home.path(), &options).expect("starts");
        let huge = has_huge_text(souk.pid());
        assert!(souk.stop().expect("stops").success());
        huge
    };
    assert_eq!(code("on"), available, "{modes}");
    assert!(!code("off"));
}

/// What only processes of this kind measure, or what each does.
fn metric_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Serve | Kind::Api => "souk_http_requests_total",
        Kind::Relay => "souk_relay_position",
        Kind::Project => "souk_projection_position",
        Kind::React => "souk_reaction_leading",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_each_pass_the_journey_with_the_feed_straight_from_the_log() {
    passes_the_journey(&Plan::direct()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_each_pass_the_journey_with_the_log_in_kurrentdb() {
    let kurrentdb = tokio::task::block_in_place(|| Standin::start(&[]));
    passes_the_journey(&Plan::direct().kurrentdb(kurrentdb.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_each_pass_the_journey_with_the_feed_through_kafka() {
    let broker = tokio::task::block_in_place(souk_test_kafka::Broker::start).expect("Kafka starts");
    passes_the_journey(&Plan::direct().kafka(broker.brokers())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_each_pass_the_journey_with_kurrentdb_and_kafka() {
    let kurrentdb = tokio::task::block_in_place(|| Standin::start(&[]));
    let broker = tokio::task::block_in_place(souk_test_kafka::Broker::start).expect("Kafka starts");
    passes_the_journey(&Plan::direct().kurrentdb(kurrentdb.url()).kafka(broker.brokers())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_of_another_log_or_feed_is_refused_before_harm_is_done() {
    let kurrentdb = tokio::task::block_in_place(|| Standin::start(&[]));
    let cluster = Cluster::start(&Plan { api: 1, ..Plan::default() }).await;
    let refused = |command: &[&str], env: &[(&str, &str)], says: &str| {
        let output = cluster.command_with(command, env);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(says), "{command:?}: {said}");
    };
    let other_log = [("SOUK_EVENTS__LOG", "kurrentdb"), ("SOUK_KURRENTDB__URL", kurrentdb.url())];
    for command in [["doctor"], ["migrate"], ["project"]] {
        refused(&command, &other_log, "belongs to a log in \"postgres\"");
    }
    let other_feed = [("SOUK_EVENTS__FEED", "kafka"), ("SOUK_KAFKA__BROKERS", "127.0.0.1:1")];
    for command in [["doctor"], ["project"], ["relay"]] {
        refused(&command, &other_feed, "read models follow \"log\" with 1");
    }
    let fewer =
        [("SOUK_EVENTS__FEED", "kafka"), ("SOUK_KAFKA__BROKERS", "127.0.0.1:1"), ("SOUK_KAFKA__PARTITIONS", "3")];
    let changed = cluster.command_with(&["migrate"], &other_feed);
    assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stderr));
    refused(&["project"], &fewer, "with 3 partitions, but this database's read models follow \"kafka\" with 6");
    refused(&["project"], &[], "events.feed = \"log\" with 1 partitions");
}

/// As they are deployed: only who opens what is sealed has the key.
#[tokio::test(flavor = "multi_thread")]
async fn who_opens_nothing_that_is_sealed_runs_in_production_without_the_key() {
    let broker = tokio::task::block_in_place(souk_test_kafka::Broker::start).expect("Kafka starts");
    let plan = Plan { project: 1, relay: 1, ..Plan::default() };
    let plan = plan.without("SOUK_KEK").env("SOUK_ENVIRONMENT", "production");
    let mut cluster = Cluster::start(&Plan { relay: 1, ..plan.kafka(broker.brokers()) }).await;
    let migrated = cluster.command(&["migrate"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    for command in [&["api"][..], &["react"], &["doctor"], &["config", "check"]] {
        let output = cluster.command(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("kek: missing"), "{command:?}: {said}");
    }
    for (member, status) in cluster.stop_all() {
        assert_eq!(status.code(), Some(0), "{member:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_backups_of_the_database_carry_are_named_and_never_emptied_into_themselves() {
    let mut cluster = Cluster::start(&Plan { api: 1, ..Plan::default() }).await;
    cluster.admin().await;
    cluster.stop((Kind::Api, 0));
    let url = cluster.variable("DATABASE_URL").expect("an address").to_owned();
    let pool = sqlx::PgPool::connect(&url).await.expect("connects");
    let keys = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM souk_ops.person_key").fetch_one(&pool).await.expect("is counted")
    };
    let doctor = |env: &[(&str, &str)]| {
        let output = cluster.command_with(&["doctor"], env);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said)
    };
    let warning = "WARNING: persons' keys lie in the database of everything else";
    let (code, said) = doctor(&[]);
    assert!(code == Some(0) && said.contains(warning), "{said}");
    let before = keys().await;
    let itself = format!("{url}{}application_name=keys", if url.contains('?') { '&' } else { '?' });
    let (code, said) = doctor(&[("SOUK_KEYS__DATABASE_URL", &itself)]);
    assert!(code == Some(1) && said.contains("names the database that everything else is in"), "{said}");
    assert_eq!((keys().await, before), (1, 1), "the keys were lost");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let folder = elsewhere.path().to_str().expect("UTF-8");
    let (code, said) = doctor(&[("SOUK_KEYS__DIRECTORY", folder)]);
    assert!(code == Some(0) && !said.contains("WARNING"), "{said}");
    assert_eq!(keys().await, 0, "they were moved");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_temporary_is_slower_and_told_so() {
    let mut cluster = Cluster::start(&Plan { api: 1, react: 1, ..Plan::default() }).await;
    let admin = cluster.admin().await;
    let doctor = |cluster: &Cluster| String::from_utf8_lossy(&cluster.command(&["doctor"]).stdout).into_owned();
    let warning = "WARNING: the role that Souk connects as has no TEMPORARY";
    let said = doctor(&cluster);
    assert!(!said.contains(warning), "{said}");
    let pool = sqlx::PgPool::connect(cluster.variable("DATABASE_URL").expect("an address")).await.expect("connects");
    let revoke = "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, %I', current_database(), current_user); END $$";
    sqlx::raw_sql(revoke).execute(&pool).await.expect("the owner may");
    cluster.run(&[(Kind::Project, 0)]);
    let people = People { admin, tag: unique("j") };
    walk(&cluster.nobody(), &people, &mut |_| {}).await.unwrap_or_else(|error| panic!("{error}"));
    let said = doctor(&cluster);
    assert!(said.contains(warning), "{said}");
    let together = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT places%'";
    let together: i64 = sqlx::query_scalar(together).fetch_one(&pool).await.expect("is counted");
    assert_eq!(together, 0, "who may not have functions has them");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_twin_was_killed_does_the_work_alone() {
    let mut cluster = Cluster::start(&Plan::direct()).await;
    let admin = cluster.admin().await;
    for kind in [Kind::Project, Kind::React, Kind::Api] {
        cluster.kill((kind, 0));
        let people = People { admin: admin.at(cluster.nobody().base()), tag: unique("j") };
        walk(&cluster.nobody(), &people, &mut |_| {}).await.unwrap_or_else(|error| panic!("without {kind:?}: {error}"));
        cluster.run(&[(kind, 0)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_outlive_their_database_and_go_on() {
    let cluster = Cluster::start(&Plan::direct().env("SOUK_LOG__FILTER", "debug")).await;
    let admin = cluster.admin().await;
    cluster.crash_postgres().await;
    for kind in [Kind::Api, Kind::Project, Kind::React] {
        until_ready(cluster.member((kind, 0)).base()).await;
    }
    let people = People { admin, tag: unique("j") };
    walk(&cluster.nobody(), &people, &mut |_| {}).await.expect("the journey holds");
}

async fn until_ready(base: &str) {
    let probe = Client::new(base);
    for _ in 0..600 {
        if probe.get("!/ready").await.is_ok_and(|answer| answer.status == 200) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{base} never became ready again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_without_kafka_says_that_there_is_nothing_to_relay() {
    let cluster = Cluster::start(&Plan::default()).await;
    let output = cluster.command(&["relay"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is nothing to relay"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_share_nothing_are_refused() {
    let home = tempfile::tempdir().expect("a folder");
    for kind in ["api", "relay", "project", "react"] {
        let output = tokio::task::block_in_place(|| souk_tests::process::run(home.path(), &[kind], &[])).expect("runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("DATABASE_URL"), "{kind}: {said}");
    }
}
