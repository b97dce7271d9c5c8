//! What a plugin may not do: each attempt ends in its named error, and the others do not notice.

use std::{sync::Arc, time::Duration};

use souk_ports::{
    Sandbox, SandboxError,
    sandbox::{Capabilities, Report, Task},
};
use souk_sandbox::WasmSandbox;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{PROBE, WORDS, cached, guests, outcome, own_code, run, sandbox, shared, task};

/// An attempt, and the code that it ends in.
fn attempts() -> Vec<(&'static str, Task, &'static str)> {
    let plain = |component: Vec<u8>| task(&component, "null");
    let probe = |input: &str| {
        let mut task = task(PROBE, &format!("{input:?}"));
        task.declared.folders = vec!["/tmp".into()];
        task
    };
    let brief = |mut task: Task| {
        task.declared.seconds = Some(1);
        task
    };
    let sockets = r#"(import "wasi:sockets/tcp-create-socket@0.2.0" (instance))"#;
    let http = r#"(import "wasi:http/outgoing-handler@0.2.0" (instance))"#;
    let unknown = r#"(import "acme:backdoor/shell@0.2.0" (instance))"#;
    let mut corrupt = WORDS.to_vec();
    corrupt[WORDS.len() / 2..][..64].fill(0xff);
    vec![
        ("endless loop", brief(plain(guests::endless_loop())), "time_exceeded"),
        ("endless tail calls", brief(plain(guests::endless_tail_calls())), "time_exceeded"),
        ("endless loop at the start", brief(plain(guests::endless_start())), "time_exceeded"),
        ("sleep in a host call", brief(probe("sleep 3600")), "time_exceeded"),
        ("memory bomb", plain(guests::memory_bomb()), "memory_exceeded"),
        ("memory bomb of a language", probe("allocate 3000"), "memory_exceeded"),
        ("several memories", plain(guests::memories(400)), "memory_exceeded"),
        ("a large memory", plain(guests::large_memory(8_000)), "memory_exceeded"),
        ("too large a memory", plain(guests::large_memory(9_000)), "component_too_large"),
        ("too large a table", plain(guests::large_table()), "component_too_large"),
        ("table bomb", plain(guests::table_bomb()), "memory_exceeded"),
        ("deep recursion", plain(guests::deep_recursion()), "stack_exhausted"),
        ("division by zero", plain(guests::traps()), "trapped"),
        ("output flood", probe("flood"), "output_exceeded"),
        ("a long result", probe("long 1048577"), "output_exceeded"),
        ("a far too long result", probe("long 9000000"), "call_too_large"),
        ("a result that is no JSON", probe("text"), "invalid_output"),
        ("exit", probe("exit"), "exited"),
        ("a file without end", probe("fill /tmp/file"), "temp_exceeded"),
        ("a stream without end", probe("pour /tmp/file"), "temp_exceeded"),
        ("a file that is all hole", probe("sparse /tmp/file"), "temp_exceeded"),
        ("files without end", probe("files /tmp"), "temp_exceeded"),
        ("open files without end", probe("hold /tmp"), "handles_exceeded"),
        ("sockets", plain(guests::importing(sockets)), "undeclared_import"),
        ("requests without hosts", plain(guests::importing(http)), "undeclared_import"),
        ("an import of its own", plain(guests::importing(unknown)), "undeclared_import"),
        ("another world", plain(guests::another_world()), "incompatible_world"),
        ("a core module", plain(guests::core_module()), "not_a_component"),
        ("text", plain(b"(component)".to_vec()), "not_a_component"),
        ("nothing", plain(Vec::new()), "not_a_component"),
        ("corrupt", plain(corrupt), "malformed_component"),
        ("truncated", plain(WORDS[..WORDS.len() / 2].to_vec()), "malformed_component"),
        ("another system's program", plain(b"\x7fELF\x02\x01\x01".to_vec()), "precompiled"),
        ("a huge function", plain(guests::huge_function()), "component_too_large"),
        ("many functions", plain(guests::many_functions()), "component_too_large"),
        ("a component too large", plain([WORDS, &vec![0; 24 << 20]].concat()), "component_too_large"),
        ("another digest", Task { digest: "0".repeat(64), ..plain(guests::honest()) }, "digest_mismatch"),
        ("an input that is no JSON", task(WORDS, "{"), "invalid_task"),
        ("a file out of the package", with_file("../escaped"), "invalid_task"),
        ("a file anywhere", with_file("/etc/escaped"), "invalid_task"),
    ]
}

fn with_file(path: &str) -> Task {
    Task { files: [(path.to_owned(), bytes::Bytes::new())].into(), ..task(WORDS, "null") }
}

#[tokio::test]
async fn each_attempt_ends_in_its_named_error() {
    let mut wrong = Vec::new();
    for (name, task, code) in attempts() {
        let report = shared().run(task).await;
        if outcome(&report) != Err(code) {
            wrong.push((name, code, report.outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux says");
    let pages: u64 = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("is a number");
    pages * 4096
}

#[tokio::test]
async fn all_at_once_they_disturb_no_honest_run_and_the_memory_comes_back() {
    let (sandbox, directory) = sandbox(|_| ());
    let mut set: JoinSet<(String, Report, Result<String, &'static str>)> = JoinSet::new();
    let mut start = |name: String, task: Task, expected: Result<String, &'static str>| {
        let sandbox: Arc<WasmSandbox> = Arc::clone(&sandbox);
        set.spawn(async move { (name, sandbox.run(task).await, expected) });
    };
    for (name, task, code) in attempts() {
        start(name.to_owned(), task, Err(code));
    }
    for n in 0..50 {
        let expected = format!(r#"{{"words":2,"distinct":{{"n{n}":2}}}}"#);
        start(format!("honest {n}"), task(WORDS, &format!("\"n{n} n{n}\"")), Ok(expected));
    }
    for n in 0..6 {
        let mut large = task(PROBE, "\"allocate 400\"");
        large.declared.memory_mib = Some(512);
        start(format!("large {n}"), large, Ok("400".into()));
    }
    let mut most = 0;
    while let Some(done) = set.join_next().await {
        let (name, report, expected) = done.expect("does not panic");
        assert_eq!(outcome(&report), expected.as_deref().map_err(|code| *code), "{name}: {:?}", report.outcome);
        most = most.max(report.usage.memory_bytes);
    }
    assert!(most >= 400 << 20, "the large ones had their memory: {most}");
    if cfg!(target_os = "linux") {
        assert!(resident() < 600 << 20, "{} MiB are still in memory", resident() >> 20);
    }
    let left: Vec<_> = std::fs::read_dir(directory.path().join("runs")).expect("is there").collect();
    assert!(left.is_empty(), "{left:?}");
    // Every slot of the pool is free again.
    for _ in 0..8 {
        set.spawn({
            let sandbox = Arc::clone(&sandbox);
            async move { (String::new(), sandbox.run(task(WORDS, "null")).await, Ok(String::new())) }
        });
    }
    while let Some(done) = set.join_next().await {
        assert!(done.expect("does not panic").1.outcome.is_ok());
    }
}

#[tokio::test]
async fn a_table_has_the_maximum_that_it_says() {
    assert_eq!(outcome(&run(&guests::own_maximum(), "null").await), Ok("-1"));
}

#[tokio::test]
async fn processor_time_is_limited_apart_from_the_clock() {
    let sandbox = cached(|settings| settings.cpu = Duration::from_millis(100));
    let report = sandbox.run(task(&guests::endless_loop(), "null")).await;
    assert_eq!(outcome(&report), Err("cpu_exceeded"));
    assert!(report.usage.cpu_ms >= 100, "{:?}", report.usage);
}

#[tokio::test]
async fn memory_is_what_is_declared_and_granted() {
    let mut task = task(PROBE, "\"allocate 100\"");
    assert_eq!(outcome(&shared().run(task.clone()).await), Err("memory_exceeded"));
    task.declared.memory_mib = Some(200);
    assert_eq!(outcome(&shared().run(task.clone()).await), Ok("100"));
    task.granted.memory_mib = 90;
    assert_eq!(outcome(&shared().run(task.clone()).await), Err("memory_exceeded"));
    (task.declared.memory_mib, task.granted.memory_mib) = (Some(u32::MAX), u32::MAX);
    task.input = "\"allocate 600\"".into();
    assert_eq!(outcome(&shared().run(task).await), Err("memory_exceeded"));
}

#[tokio::test]
async fn no_path_leads_out_of_a_folder() {
    let outside = TempDir::new().expect("a directory");
    let shared_folder = outside.path().join("shared");
    std::fs::create_dir(&shared_folder).expect("is made");
    std::fs::write(outside.path().join("secret"), "secret").expect("is written");
    std::fs::write(shared_folder.join("open"), "open").expect("is written");
    std::os::unix::fs::symlink("../secret", shared_folder.join("relative")).expect("is linked");
    std::os::unix::fs::symlink(outside.path().join("secret"), shared_folder.join("absolute")).expect("is linked");
    std::os::unix::fs::symlink("..", shared_folder.join("folder")).expect("is linked");
    let attempt = async |input: &str| {
        let mut task = task(PROBE, &format!("{input:?}"));
        task.files = [("inside".to_owned(), bytes::Bytes::new())].into();
        task.declared.folders = vec!["/shared".into(), "/tmp".into()];
        task.granted.shared = Some(shared_folder.clone());
        shared().run(task).await
    };
    assert_eq!(outcome(&attempt("read /shared/open").await), Ok("\"open\""));
    for (input, code) in [
        ("read /shared/relative", "not-permitted"),
        ("read /shared/absolute", "not-permitted"),
        ("read /shared/folder/secret", "not-permitted"),
        ("read /shared/../secret", "not-permitted"),
        ("list /plugin/..", "not-permitted"),
        ("read /plugin/../../../code/key", "not-permitted"),
        ("read /plugin//etc/passwd", "not-permitted"),
        ("link /etc/passwd /tmp/link", "not-permitted"),
        ("link ../plugin/inside /tmp/link", "not-permitted"),
        ("read /etc/passwd", "no-entry"),
    ] {
        assert_eq!(own_code(&attempt(input).await), code, "{input}");
    }
}

#[tokio::test]
async fn what_is_read_only_is_not_written() {
    let shared_folder = TempDir::new().expect("a directory");
    std::fs::write(shared_folder.path().join("file"), "before").expect("is written");
    for input in
        ["write /plugin/file", "write /plugin/new", "write /shared/file", "write /shared/new", "sparse /shared/file"]
    {
        let mut task = task(PROBE, &format!("{input:?}"));
        task.files = [("file".to_owned(), bytes::Bytes::from_static(b"before"))].into();
        task.declared.folders = vec!["/shared".into()];
        task.granted.shared = Some(shared_folder.path().to_owned());
        assert_eq!(own_code(&shared().run(task).await), "not-permitted", "{input}");
    }
    assert_eq!(std::fs::read_to_string(shared_folder.path().join("file")).expect("is there"), "before");
    assert_eq!(std::fs::read_dir(shared_folder.path()).expect("is there").count(), 1);
}

#[tokio::test]
async fn a_queue_that_is_full_says_so() {
    let sandbox = cached(|settings| (settings.runs, settings.waiting) = (1, 1));
    let mut set = JoinSet::new();
    for _ in 0..3 {
        let sandbox = Arc::clone(&sandbox);
        let mut task = task(PROBE, "\"sleep 3600\"");
        task.declared.seconds = Some(1);
        set.spawn(async move { sandbox.run(task).await });
    }
    let mut codes = Vec::new();
    while let Some(report) = set.join_next().await {
        codes.push(outcome(&report.expect("does not panic")).map(str::to_owned));
    }
    assert_eq!(codes, [Err("queue_full"), Err("time_exceeded"), Err("time_exceeded")]);
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_ends() {
    let sandbox = cached(|settings| (settings.runs, settings.waiting) = (1, 0));
    let asked =
        tokio::time::timeout(Duration::from_millis(500), sandbox.run(task(&guests::endless_loop(), "null"))).await;
    assert!(asked.is_err());
    // It would have had half a minute more. Its place is free as soon as it is interrupted.
    let mut last = Err("nothing ran");
    for _ in 0..200 {
        last = outcome(&sandbox.run(task(WORDS, "null")).await).map(|_| ());
        if last != Err("queue_full") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(last, Ok(()));
}

/// Numbers that are the same in every run.
fn numbers() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1u64), |n| {
        Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|n| usize::try_from(n >> 33).expect("has 31 bits"))
}

#[tokio::test]
async fn no_damage_makes_the_sandbox_fail() {
    let mut numbers = numbers();
    for _ in 0..400 {
        let mut bytes = guests::honest();
        for _ in 0..3 {
            let at = numbers.next().expect("goes on") % bytes.len();
            bytes[at] = u8::try_from(numbers.next().expect("goes on") % 256).expect("is a byte");
        }
        let mut damaged = task(&bytes, "null");
        damaged.declared.seconds = Some(1);
        let outcome = shared().run(damaged).await.outcome;
        assert!(!matches!(outcome, Err(SandboxError::Unavailable(_))), "{outcome:?} of {}", hex::encode(bytes));
    }
}

#[tokio::test]
async fn publishing_finds_what_a_run_would_find() {
    let http = guests::importing(r#"(import "wasi:http/outgoing-handler@0.2.0" (instance))"#);
    let prepare = async |component: &[u8], hosts: &[&str]| {
        let task = task(component, "null");
        let declared = Capabilities { hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), ..task.declared };
        shared().prepare(task.component, &task.digest, &declared).await.map_err(|error| error.code())
    };
    assert_eq!(prepare(WORDS, &[]).await, Ok(()));
    assert_eq!(prepare(&http, &[]).await, Err("undeclared_import"));
    assert_eq!(prepare(&http, &["a.example"]).await, Ok(()));
    assert_eq!(prepare(&http, &["*"]).await, Ok(()));
    assert_eq!(prepare(&http, &["a b"]).await, Err("invalid_task"));
    assert_eq!(prepare(&guests::core_module(), &[]).await, Err("not_a_component"));
}
