//! Pages and searches over HTTP, while others write.

use std::{collections::HashSet, net::SocketAddr, sync::Arc};

use super::{
    catalogue::Listed,
    floor,
    http::{self, Connection, closed_loop},
    measure::{Budget, Pair, Row, percentile},
    paced::Paced,
    process::Server,
    random::{Sequence, Zipf},
    session::{Service, Session},
};
use crate::{failure::Failure, output::note};

const CONNECTIONS: usize = 64;
/// Writes that go on meanwhile.
const WRITES_PER_SECOND: u32 = 100;
/// Connections that go by turns, be it to read or to write.
const TURNS: usize = 16;
/// What the slowest pages are called.
pub const PAGE_P99: &str = "plugin page, p99";
/// Seconds of load before the first measurement: a server that has run for a minute is what people meet.
const WARM_UP: u64 = 5;
/// What bounds pages.
const BOUND: &str = "axum answering as many bytes and headers from memory, by name, while Souk takes the same writes";
const BOUND_NOTE: &str = "the bound asks nobody whether a page is still right, and writes no log, no metrics and no looks down; \
     three quarters of a bound count as reached";
/// Three quarters of a bound count as reached.
const BOUND_REACHED: Budget = Budget::AtLeastTimes(0.75);
/// Different questions.
const QUERIES: usize = 2_000;

/// Plugin pages, by Zipf's law, against axum answering a constant.
///
/// # Errors
/// Souk gave a wrong answer.
pub async fn pages(session: &Session, service: &Service, plugins: &Arc<Vec<Listed>>) -> Result<Vec<Row>, Failure> {
    let paths = plugins.iter().map(|plugin| format!("/api/v1/plugins/{}", plugin.name));
    let plan = Reads {
        what: "plugin page",
        series: "souk_pages_total",
        wanted: Wanted::new(paths, Zipf::new(plugins.len())),
        floor: Wanted::new(["/".to_owned()].into_iter(), Zipf::new(1)),
        bounded: true,
    };
    let measured = plan.measure(session, service, plugins).await?;
    let name =
        format!("plugin page over HTTP, 64 connections, Zipf over {} plugins, 100 writes/s going on", plugins.len());
    let mut rows = measured.rows(&name, PAGE_P99, "axum answering a constant", 0.4, 20.0);
    let bound = Row::compared("plugin page, against its bound", "1/s", BOUND, &measured.bounds, BOUND_REACHED);
    rows.extend(bound.map(|row| row.with_note(BOUND_NOTE)));
    Ok(rows)
}

/// Searches, against axum and sqlx answering a point select.
///
/// # Errors
/// Souk gave a wrong answer.
pub async fn search(session: &Session, service: &Service, plugins: &Arc<Vec<Listed>>) -> Result<Vec<Row>, Failure> {
    let queries = queries(plugins);
    let plan = Reads {
        what: "search",
        series: "souk_search_matches_total",
        wanted: Wanted::evenly(queries.into_iter()),
        floor: Wanted::evenly((0..floor::SELECTED_ROWS).map(|id| format!("/{id}"))),
        bounded: false,
    };
    let measured = plan.measure(session, service, plugins).await?;
    let name = format!("search, {QUERIES} distinct queries over {} plugins, the same load", plugins.len());
    Ok(measured.rows(&name, "search, p99", "axum and sqlx answering one point select", 0.5, 50.0))
}

/// What people type: one or two words of a title, one in four with a filter.
fn queries(plugins: &[Listed]) -> Vec<String> {
    let mut random = Sequence::new(5);
    let mut queries = HashSet::new();
    let mut ordered = Vec::new();
    // Small catalogues may not have so many.
    for _ in 0..QUERIES * 50 {
        let plugin = &plugins[random.below(plugins.len())];
        let words: Vec<String> = plugin.title.to_lowercase().split(' ').map(str::to_owned).collect();
        let first = random.below(words.len());
        let q = words[first..].iter().take(1 + random.below(2)).cloned().collect::<Vec<_>>().join("+");
        let filter = if random.below(4) == 0 { format!("&kind={}", plugin.kind) } else { String::new() };
        let query = format!("/api/v1/plugins?q={q}{filter}");
        if queries.insert(query.clone()) {
            ordered.push(query);
        }
        if ordered.len() == QUERIES {
            break;
        }
    }
    ordered
}

/// Requests, and how often each is wanted.
#[derive(Clone)]
struct Wanted {
    requests: Arc<Vec<Vec<u8>>>,
    /// None for all alike.
    popularity: Option<Arc<Zipf>>,
}

impl Wanted {
    fn new(paths: impl Iterator<Item = String>, popularity: Zipf) -> Self {
        Self { popularity: Some(Arc::new(popularity)), ..Self::evenly(paths) }
    }

    fn evenly(paths: impl Iterator<Item = String>) -> Self {
        let requests = paths.map(|path| http::get(&path, "accept: application/json\r\n")).collect();
        Self { requests: Arc::new(requests), popularity: None }
    }

    fn clients(&self, count: usize) -> Vec<impl FnMut() -> Vec<u8> + Send + 'static + use<>> {
        let client = |number| {
            let (this, mut random) = (self.clone(), Sequence::new(number as u64));
            move || {
                let index = match &this.popularity {
                    Some(zipf) => zipf.draw(&mut random),
                    None => random.below(this.requests.len()),
                };
                this.requests[index].clone()
            }
        };
        (0..count).map(client).collect()
    }
}

struct Reads {
    what: &'static str,
    /// Counts what was in memory.
    series: &'static str,
    wanted: Wanted,
    floor: Wanted,
    /// Whether what is wanted is also asked of the floor's server, which answers from memory.
    bounded: bool,
}

struct Measured {
    pairs: Vec<Pair>,
    /// The same values against what bounds them.
    bounds: Vec<Pair>,
    slowest: Vec<f64>,
    middle: f64,
    writes: f64,
    /// Answers in the first second, before anything was asked for.
    first: f64,
    /// The share of pages, or of what searches match, that was in memory.
    in_memory: f64,
}

impl Reads {
    async fn measure(
        &self,
        session: &Session,
        service: &Service,
        plugins: &Arc<Vec<Listed>>,
    ) -> Result<Measured, Failure> {
        let database = session.database(&format!("souk_bench_{}", &self.what[..4])).await?;
        // Only for as long as it is needed: its connections are missing elsewhere.
        let server = Server::floor(session.directory(), &database).await?;
        let measured = self.repeat(session, service, server.address, plugins).await;
        server.stop().await?;
        measured
    }

    async fn repeat(
        &self,
        session: &Session,
        service: &Service,
        floor: SocketAddr,
        plugins: &Arc<Vec<Listed>>,
    ) -> Result<Measured, Failure> {
        let souk = service.souk.address;
        note(format!("{}: waiting until the reactions have nothing left to do", self.what));
        service.rest().await?;
        let first = closed_loop(souk, self.wanted.clients(CONNECTIONS), 1, 200).await?.rate;
        closed_loop(souk, self.wanted.clients(CONNECTIONS), WARM_UP, 200).await?;
        closed_loop(floor, self.floor.clients(CONNECTIONS), 1, 200).await?;
        if self.bounded {
            hand_in(souk, floor, plugins).await?;
        }
        let before = kept(souk, self.series).await?;
        let (mut pairs, mut slowest, mut middle, mut writes) = (Vec::new(), Vec::new(), 0.0, f64::INFINITY);
        let mut bounds = Vec::new();
        for repetition in 1..=session.options.repetitions {
            note(format!("measuring: {}, {repetition} of {}", self.what, session.options.repetitions));
            let tokens = service.accounts(2, &format!("{}-writer-{repetition}", &self.what[..4])).await?;
            let [token, another] = tokens.as_slice() else { return Err(Failure::new("an account has one token")) };
            let seconds = session.options.seconds;
            let base = closed_loop(floor, self.floor.clients(CONNECTIONS), seconds, 200).await?;
            let writing = write(souk, token, plugins);
            let loaded = closed_loop(souk, self.wanted.clients(CONNECTIONS), seconds, 200).await;
            writes = writes.min(writing.stop().await?.rate);
            let mut loaded = loaded?;
            slowest.push(percentile(&mut loaded.times, 99));
            middle = percentile(&mut loaded.times, 50);
            pairs.push(Pair { value: loaded.rate, floor: base.rate });
            service.settle().await?;
            if self.bounded {
                let writing = write(souk, another, plugins);
                let bound = closed_loop(floor, self.wanted.clients(CONNECTIONS), seconds, 200).await;
                writing.stop().await?;
                bounds.push(Pair { value: loaded.rate, floor: bound?.rate });
                service.settle().await?;
            }
        }
        let after = kept(souk, self.series).await?;
        let (hits, misses) = (after.0 - before.0, after.1 - before.1);
        let in_memory = hits / (hits + misses).max(1.0);
        Ok(Measured { pairs, bounds, slowest, middle, writes, first, in_memory })
    }
}

/// Hands the floor's server a page of Souk's, for every plugin.
async fn hand_in(souk: SocketAddr, floor: SocketAddr, plugins: &[Listed]) -> Result<(), Failure> {
    let Some(middle) = plugins.get(plugins.len() / 2) else { return Ok(()) };
    let request = http::get(&format!("/api/v1/plugins/{}", middle.name), "");
    let mut connection = Connection::open(souk).await?;
    let answer = connection.send(&request).await?;
    http::expect(&answer, 200, &request)?;
    let head = std::str::from_utf8(answer.head).map_err(Failure::new)?;
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    // Those that the server writes by itself.
    let headers = headers.filter(|(name, _)| !["content-length", "date"].contains(name));
    let shown = floor::Shown {
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        page: String::from_utf8(answer.body.to_vec()).map_err(Failure::new)?,
        names: plugins.iter().map(|plugin| plugin.name.clone()).collect(),
    };
    let request = http::post("/pages", "", &serde_json::to_string(&shown).map_err(Failure::new)?);
    let mut connection = Connection::open(floor).await?;
    http::expect(&connection.send(&request).await?, 204, &request)
}

/// Pages and searches by turns, together `per_second`.
pub fn browse(souk: SocketAddr, plugins: &[Listed], per_second: u32) -> Paced {
    let pages = plugins.iter().map(|plugin| format!("/api/v1/plugins/{}", plugin.name)).take(QUERIES);
    let wanted = Wanted::evenly(pages.chain(queries(plugins)));
    let clients = wanted.clients(TURNS).into_iter().map(|mut next| move || Some(next())).collect();
    Paced::start(souk, clients, per_second, 200)
}

/// A customer, by `token`, who installs one plugin after the other, over several connections.
pub fn write(souk: SocketAddr, token: &str, plugins: &Arc<Vec<Listed>>) -> Paced {
    let client = |number: usize| {
        let (plugins, headers, mut index) = (Arc::clone(plugins), http::bearer(token), number);
        move || {
            let plugin = plugins.get(index)?;
            index += TURNS;
            Some(http::post(&format!("/api/v1/plugins/{}/install", plugin.name), &headers, "{}"))
        }
    };
    Paced::start(souk, (0..TURNS).map(client).collect(), WRITES_PER_SECOND, 201)
}

/// How often `series` says that something was in memory, and how often that it was not.
async fn kept(souk: SocketAddr, series: &str) -> Result<(f64, f64), Failure> {
    let mut connection = Connection::open(souk).await?;
    let request = http::get("/metrics", "");
    let answer = connection.send(&request).await?;
    let text = String::from_utf8_lossy(answer.body).into_owned();
    let count = |memory: &str| {
        let name = format!("{series}{{memory=\"{memory}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0.0)
    };
    Ok((count("hit"), count("miss")))
}

impl Measured {
    fn rows(&self, name: &str, slowest: &str, floor: &str, times: f64, most: f64) -> Vec<Row> {
        let note = format!(
            "at least {:.0} writes/s went on; half of the answers came within {:.1} ms; {:.1} % was in memory, \
             after {WARM_UP} s of the same load; {:.0}/s in the first second, without writes and before anything was asked for",
            self.writes,
            self.middle,
            self.in_memory * 100.0,
            self.first
        );
        let rows = [
            Row::compared(name, "1/s", floor, &self.pairs, Budget::AtLeastTimes(times)).map(|row| row.with_note(note)),
            Row::plain(slowest, "ms", &self.slowest, Budget::Under(most)),
        ];
        rows.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use souk_domain::id::{PluginId, VendorId};

    use super::*;

    #[test]
    fn queries_are_distinct() {
        let words = super::super::words::Words::new();
        let mut random = Sequence::new(1);
        let plugins: Vec<Listed> = (0..2_000)
            .map(|number| Listed {
                id: PluginId::new(random.uuid()),
                vendor: VendorId::new(random.uuid()),
                name: format!("p-{number}"),
                title: words.title(&mut random),
                kind: "skill",
            })
            .collect();
        let queries = queries(&plugins);
        assert_eq!(queries.len(), QUERIES);
        assert_eq!(queries.iter().collect::<HashSet<_>>().len(), QUERIES);
    }
}
