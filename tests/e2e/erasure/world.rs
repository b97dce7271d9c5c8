//! A Souk on which somebody lives who will be erased: everything that it writes down can be searched.

use std::{path::Path, process::Output, sync::Arc};

use serde_json::{Value, json};
use souk_embedded_postgres::testing::{TestDir, data_dir};
use souk_test_kafka::Broker;
use souk_tests::{
    client::{Answer, Client},
    journey,
    process::{self, Options, Souk},
    sample,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::task::block_in_place;

use crate::{
    executions,
    partners::{self, receiver::Receiver},
    support::{PASSWORD, Seller, unique, verified},
};

/// The public topic.
pub const PUBLIC: &str = "souk.public";

/// A write-ahead log whose pages are not compressed, and of which nothing is taken away or written over: what was ever in it can be found.
const READABLE_LOG: &str = "wal_compression = off\nwal_recycle = off\nwal_keep_size = '2GB'\n";

pub struct World {
    // Dropped in this order: first who uses the folder.
    souk: Option<Souk>,
    pub home: TestDir,
    database: String,
    options: Options,
    pub nobody: Client,
    pub admin: Client,
    pub seller: Seller,
    /// A paid plugin.
    pub plugin: String,
    /// A free one that tells the words that it is given.
    pub echo: String,
    /// A text that stands in the listing of `plugin`, for everybody.
    pub control: String,
    /// A partner who may see everything that is public, and whose webhook is called with it.
    pub partner: Client,
    pub receiver: Receiver,
}

impl World {
    pub async fn open(broker: Option<&Broker>) -> Self {
        let home = data_dir();
        readable(home.path()).await;
        let mut options = Options::default()
            .env("SOUK_RATE_LIMITS", "off")
            .env("SOUK_LOG__FILTER", "trace")
            .env("SOUK_LEDGER__INTERVAL_MS", "50")
            .env("SOUK_PARTNERS__WEBHOOKS_ANYWHERE", "true");
        if let Some(broker) = broker {
            options = options
                .env("SOUK_EVENTS__FEED", "kafka")
                .env("SOUK_KAFKA__BROKERS", broker.brokers())
                .env("SOUK_KAFKA__PARTITIONS", "3")
                .env("SOUK_KAFKA__PUBLIC_TOPIC", PUBLIC);
        }
        let souk = block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
        let nobody = Client::new(souk.base());
        let email = format!("{}@example.com", unique("admin"));
        nobody.register(&email, PASSWORD, "Ada Admin").await.expect("registers");
        command(home.path(), &options, &["admin", "grant", &email, "admin"]);
        let admin = nobody.login(&email, PASSWORD).await.expect("logs in");
        let seller = verified(&nobody, &admin).await;
        let control = unique("lighthouse");
        let plugin = listed(&seller, &control).await;
        let echo = executions::submitted(&seller, executions::WORDS, json!({"capabilities": {}})).await;
        if executions::settled(&seller.client, &echo).await == "needs_review" {
            let approve = format!("/plugins/{echo}/versions/1.0.0/approve");
            admin.post(&approve, json!({})).await.expect("answers").expect(200).expect("is approved");
        }
        let partner = partners::partner(&admin, json!({"types": ["*"]})).await;
        let receiver = Receiver::start().await;
        let hook = json!({"url": receiver.url(), "after": 0});
        partner.post("/partners/me/webhooks", hook).await.expect("answers").expect(201).expect("is made");
        let doctor: Value =
            serde_json::from_slice(&output(home.path(), &options, &["doctor", "--json"]).stdout).expect("JSON");
        let database = doctor["databaseUrl"].as_str().expect("an address").to_owned();
        let souk = Some(souk);
        Self { souk, home, database, options, nobody, admin, seller, plugin, echo, control, partner, receiver }
    }

    /// Runs a command of `souk` that must succeed; what it printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        command(self.home.path(), &self.options, arguments)
    }

    /// Ends it, and its PostgreSQL with it.
    pub fn stop(&mut self) {
        let souk = self.souk.take().expect("runs");
        assert!(block_in_place(|| souk.stop()).expect("ends").success());
    }

    /// Starts it again; nobody on it.
    pub fn start(&mut self) -> Client {
        let souk = block_in_place(|| Souk::start(self.home.path(), &self.options)).expect("starts again");
        let nobody = Client::new(souk.base());
        self.souk = Some(souk);
        nobody
    }

    /// The end of the log.
    pub async fn head(&self) -> u64 {
        let mut connection = PgConnection::connect(&self.database).await.expect("connects");
        let query = sqlx::query_scalar::<_, i64>("SELECT max(position) FROM souk_log.event");
        let head = query.fetch_one(&mut connection).await.expect("is told");
        connection.close().await.expect("closes");
        u64::try_from(head).expect("a position")
    }

    /// Every row of every table, as text.
    pub async fn dump(&self) -> String {
        let pool = PgPool::connect(&self.database).await.expect("connects");
        let compression: String = sqlx::query_scalar("SHOW wal_compression").fetch_one(&pool).await.expect("is told");
        assert_eq!(compression, "off", "what is compressed cannot be searched");
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'",
        )
        .fetch_all(&pool)
        .await
        .expect("are listed");
        assert!(tables.len() > 40, "{tables:?}");
        let mut dump = String::new();
        for table in tables {
            let rows = sqlx::query_scalar(AssertSqlSafe(format!("SELECT t::text FROM {table} t")));
            let rows: Vec<String> = rows.fetch_all(&pool).await.unwrap_or_else(|error| panic!("{table}: {error}"));
            dump.extend(rows.iter().flat_map(|row| [table.as_str(), " ", row, "\n"]));
        }
        pool.close().await;
        dump
    }

    /// All that Souk hands out about the plugin: to partners, to the vendor, to admins, and as documents in `folder`.
    pub async fn told(&self, folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut told = Vec::new();
        let pages = partners::pages(&self.partner, 1_000).await;
        let mut stream = partners::Stream::open(&self.partner, "/events/stream?after=0", None).await;
        for page in &pages {
            let (_, event) = stream.event().await;
            assert_eq!(&event, page);
        }
        // The stream has told the same.
        told.push(("GET /events".to_owned(), serde_json::to_vec(&pages).expect("JSON")));
        let calls = self.receiver.until(pages.len()).await;
        told.extend(calls.into_iter().map(|call| ("a webhook".to_owned(), call.body.into_bytes())));

        let (plugin, vendor) = (&self.plugin, &self.seller.vendor);
        for (client, path) in [
            (&self.admin, format!("/plugins/{plugin}/history?limit=100")),
            (&self.admin, format!("/plugins/{plugin}/history?proofs=true")),
            (&self.admin, format!("/plugins/{}/history?limit=100", self.echo)),
            (&self.nobody, format!("/plugins/{plugin}/reviews")),
            (&self.seller.client, format!("/plugins/{plugin}/history?limit=100")),
            (&self.seller.client, format!("/vendors/{vendor}/invoices")),
            (&self.seller.client, format!("/vendors/{vendor}/earnings/entries")),
        ] {
            let answer = client.get(&path).await.expect("answers").expect(200).expect("is told");
            told.push((format!("GET {path}"), answer.text.into_bytes()));
        }
        let file = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
        let (bundle, report, events) = (file("audit.json"), file("audit.html"), file("events.jsonl"));
        for arguments in [
            ["audit", plugin, "--export", &bundle, "--report", &report].as_slice(),
            &["ledger", "export", &events],
            &["history", plugin],
        ] {
            told.push((arguments.join(" "), self.command(arguments).into_bytes()));
        }
        told.extend([bundle, report, events].map(|file| (file.clone(), std::fs::read(&file).expect("is written"))));
        told
    }
}

fn command(home: &Path, options: &Options, arguments: &[&str]) -> String {
    printed(&output(home, options, arguments))
}

fn output(home: &Path, options: &Options, arguments: &[&str]) -> Output {
    let env: Vec<(&str, &str)> = options.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let output = block_in_place(|| process::run(home, arguments, &env)).expect("souk runs");
    assert!(output.status.success(), "{arguments:?}: {}", printed(&output));
    output
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Makes the PostgreSQL of a Souk that begins in `home`, with a [`READABLE_LOG`].
async fn readable(home: &Path) {
    let mut options = souk_embedded_postgres::Options::new(home);
    options.on_progress = Arc::new(|_| {});
    let postgres = souk_embedded_postgres::Cluster::start(options).await.expect("PostgreSQL starts");
    std::fs::write(home.join("postgres/data/custom.conf"), READABLE_LOG).expect("is written");
    postgres.stop().await.expect("PostgreSQL stops");
}

/// A published plugin whose listing has `control`; its name.
async fn listed(seller: &Seller, control: &str) -> String {
    let name = unique("plugin");
    let mut listing = sample::skill(&name, &sample::one_time(4_900, "USD"));
    listing["description"] = Value::from(format!("# What it does\n\nIt looks for {control}."));
    listing["summary"] = Value::from(format!("Looks for {control}."));
    seller.client.post("/plugins", listing).await.expect("answers").expect(201).expect("is created");
    journey::publish(&seller.client, &name, "1.0.0").await.expect("is approved");
    name
}

/// An answer that must be one of success.
pub async fn post(client: &Client, path: &str, body: Value) -> Answer {
    let answer = client.post(path, body).await.expect("answers");
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    answer
}
