//! One Souk that most tests share, and people on it.

use std::sync::LazyLock;

use serde_json::json;
use souk_embedded_postgres::testing::{TestDir, data_dir};
pub use souk_tests::sample::unique;
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
};
use tokio::sync::OnceCell;

pub const PASSWORD: &str = "correct horse battery staple";

/// The shared Souk. Its guards end it when this process ends.
pub struct Shared {
    pub souk: Souk,
    _home: TestDir,
    admin_email: String,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let home = data_dir();
    let options = Options::default().env("SOUK_RATE_LIMITS", "off");
    let souk = Souk::start(home.path(), &options).expect("souk starts");
    Shared { souk, _home: home, admin_email: format!("{}@example.com", unique("admin")) }
});

/// The shared Souk.
pub fn shared() -> &'static Shared {
    // Starting takes seconds and blocks: not on a thread that drives futures.
    tokio::task::block_in_place(|| &*SHARED)
}

/// Nobody on the shared Souk.
pub fn nobody() -> Client {
    Client::new(shared().souk.base())
}

/// A new person on `base`'s Souk.
pub async fn person(nobody: &Client, name: &str) -> Client {
    nobody.register(&format!("{}@example.com", unique(name)), PASSWORD, name).await.expect("registers")
}

/// The admin of the shared Souk.
pub async fn admin() -> Client {
    static GRANTED: OnceCell<()> = OnceCell::const_new();
    let shared = shared();
    let nobody = nobody();
    GRANTED
        .get_or_init(|| async {
            nobody.register(&shared.admin_email, PASSWORD, "Ada Admin").await.expect("registers");
            grant(shared.souk.data_dir(), &shared.admin_email, "admin");
        })
        .await;
    nobody.login(&shared.admin_email, PASSWORD).await.expect("logs in")
}

/// A moderator of the shared Souk.
pub async fn moderator() -> Client {
    let email = format!("{}@example.com", unique("moderator"));
    let client = nobody().register(&email, PASSWORD, "Mo Moderator").await.expect("registers");
    grant(shared().souk.data_dir(), &email, "moderator");
    client
}

/// `souk admin grant`
pub fn grant(data_dir: &std::path::Path, email: &str, role: &str) {
    let output = tokio::task::block_in_place(|| process::run(data_dir, &["admin", "grant", email, role], &[]))
        .expect("souk runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A verified vendor.
pub struct Seller {
    pub client: Client,
    pub vendor: String,
}

/// A verified vendor on the shared Souk.
pub async fn seller() -> Seller {
    verified(&nobody(), &admin().await).await
}

/// A verified vendor on `nobody`'s Souk.
pub async fn verified(nobody: &Client, admin: &Client) -> Seller {
    let client = person(nobody, "vendor").await;
    let body = json!({"name": "Acme", "slug": unique("acme")});
    let answer = client.post("/vendors", body).await.expect("answers").expect(201).expect("is created");
    let vendor = answer.text_at("/id").expect("an id");
    let path = format!("/vendors/{vendor}/verify");
    admin.post(&path, json!({})).await.expect("answers").expect(200).expect("is verified");
    Seller { client, vendor }
}

/// A verified vendor on `nobody`'s Souk, which is a fresh one in `data_dir`; its admin is made for that.
pub async fn first_seller(data_dir: &std::path::Path, nobody: &Client) -> Seller {
    let email = format!("{}@example.com", unique("admin"));
    nobody.register(&email, PASSWORD, "Ada Admin").await.expect("registers");
    grant(data_dir, &email, "admin");
    verified(nobody, &nobody.login(&email, PASSWORD).await.expect("logs in")).await
}

/// A published free plugin of `seller`; its name.
pub async fn published(seller: &Seller, pricing: &serde_json::Value) -> String {
    let name = unique("plugin");
    let body = souk_tests::sample::skill(&name, pricing);
    seller.client.post("/plugins", body).await.expect("answers").expect(201).expect("is created");
    souk_tests::journey::publish(&seller.client, &name, "1.0.0").await.expect("is approved");
    name
}
