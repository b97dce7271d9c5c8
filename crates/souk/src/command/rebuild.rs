//! `souk rebuild`

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use souk_projector::{Milestone, ProjectionReport, RebuildOptions, RebuildOutcome, RebuildProgress};

use crate::{
    config::Config,
    failure::Failure,
    interrupt::Interrupt,
    output::{note, on_terminal, say},
    wire::Base,
};

/// Exit code for differences that kept the live read models in place.
const DIFFERENT: u8 = 3;
/// How often a line is printed where no terminal shows a bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What to rebuild.
pub struct Wanted {
    /// Names of read models; all when empty.
    pub names: Vec<String>,
    /// Whether a difference keeps the live ones in place.
    pub verify: bool,
    /// Report in JSON.
    pub json: bool,
}

/// Rebuilds read models while the live ones serve.
///
/// # Errors
/// A name is unknown, the database failed, or (exit code 3) differences kept the live read models in place.
pub async fn run(config: &Config, wanted: Wanted) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let base = Base::open(config).await?;
    let mut options = RebuildOptions {
        projections: wanted.names.clone(),
        verify: wanted.verify,
        on_progress: progress(),
        cancel: interrupt.token(),
        ..RebuildOptions::default()
    };
    hold(&mut options);
    let outcome = base.models().rebuild().run(options).await.map_err(Failure::new);
    base.close().await?;
    report(&outcome?, &wanted)
}

fn report(outcome: &RebuildOutcome, wanted: &Wanted) -> Result<(), Failure> {
    if wanted.json {
        say(serde_json::to_string_pretty(outcome).map_err(Failure::new)?);
    } else {
        for one in &outcome.reports {
            say(one.to_string());
        }
    }
    let equal = outcome.reports.iter().all(ProjectionReport::is_equal);
    let expected = outcome.reports.iter().all(ProjectionReport::is_expected);
    if !outcome.swapped {
        let message = "the live read models differ from what the log says, for no declared reason, and stay in place; \
                       `souk rebuild` without --verify replaces them";
        return Err(Failure::new(message).with_code(DIFFERENT));
    }
    let seconds = outcome.elapsed.as_secs_f64();
    let state = match (equal, expected) {
        (true, _) => "equal to the old ones",
        (false, true) => "which differ from the old ones as declared above",
        (false, false) => "which repaired the differences above",
    };
    if !wanted.json {
        say(format!("The rebuilt read models are live, {state}: {} events in {seconds:.1} s.", outcome.position));
    }
    Ok(())
}

/// For tests that kill a rebuild at a chosen moment: `SOUK_TEST_REBUILD_HOLD=PERCENT` of the log, or `swap`. It writes the
/// tables in small chunks, says on standard output that it is there, and waits to be killed.
fn hold(options: &mut RebuildOptions) {
    const CHUNK: usize = 500;
    let Ok(moment) = std::env::var("SOUK_TEST_REBUILD_HOLD") else { return };
    let percent: Option<u64> = moment.parse().ok();
    options.batch = CHUNK;
    let head = Arc::new(AtomicU64::new(0));
    let (known, tell) = (Arc::clone(&head), Arc::clone(&options.on_progress));
    options.on_progress = Arc::new(move |told| {
        known.store(told.head, Ordering::Relaxed);
        tell(told);
    });
    options.on_milestone = Arc::new(move |milestone| {
        let held = match milestone {
            Milestone::Written { position, .. } => {
                let head = head.load(Ordering::Relaxed);
                percent.is_some_and(|percent| head > 0 && position * 100 >= head * percent)
            }
            Milestone::Swapping => percent.is_none(),
        };
        Box::pin(async move {
            if held {
                say("held");
                std::future::pending::<()>().await;
            }
        })
    });
}

/// A bar on a terminal, plain lines elsewhere.
fn progress() -> Arc<dyn Fn(RebuildProgress) + Send + Sync> {
    if on_terminal() {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg:12} {bar:40} {pos}/{len} events, {per_sec}, {eta} left") {
            bar.set_style(style);
        }
        return Arc::new(move |told: RebuildProgress| {
            bar.set_length(told.head);
            bar.set_position(told.read);
            bar.set_message(told.phase.as_str());
            if told.phase == souk_projector::Phase::Done {
                bar.finish_and_clear();
            }
        });
    }
    let last = Mutex::new(Instant::now());
    Arc::new(move |told: RebuildProgress| {
        let Ok(mut last) = last.lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let left = told.left.map_or_else(|| "unknown".to_owned(), |left| format!("{:.0} s", left.as_secs_f64()));
            let RebuildProgress { phase, read, head, rate, .. } = told;
            note(format!("{}: {read} of {head} events, {rate:.0} a second, {left} left", phase.as_str()));
        }
    })
}
