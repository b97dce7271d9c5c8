//! `GET /plugins/{plugin}/versions/{version}/diff`

use axum::{Json, extract::State};
use semver::Version;
use serde::Deserialize;
use souk_app::diff;
use utoipa::IntoParams;

use super::version;
use crate::{
    Api,
    error::ApiError,
    extract::{Anyone, MinPosition, PathParams, QueryParams},
    wire::diff::VersionDiff,
};

/// What a version is compared with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// A version of the same plugin; the highest approved one below when absent.
    #[param(value_type = Option<String>, example = "1.0.0")]
    from: Option<Version>,
}

/// What a version changes against an earlier one: files, capabilities, dependencies, findings.
///
/// Of versions that were approved everybody sees which files change. What is in them is told to anybody where the plugin is free, else
/// to those who hold a license; of versions that were yanked, and of suspended plugins, to its vendor and moderators only. They alone see
/// versions that are not approved, and what manifests say of people.
#[utoipa::path(get, path = "/plugins/{plugin}/versions/{version}/diff", tag = "versions",
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver"), DiffQuery),
    security((), ("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "What changes", body = VersionDiff)))]
pub async fn version_diff(
    State(api): State<Api>,
    Anyone(context): Anyone,
    _: MinPosition,
    PathParams((plugin, number)): PathParams<(String, String)>,
    QueryParams(query): QueryParams<DiffQuery>,
) -> Result<Json<VersionDiff>, ApiError> {
    let number = version(&number)?;
    let plugin = plugin.as_str().into();
    Ok(Json(diff::between(&api.app, &context, &plugin, &number, query.from.as_ref()).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use souk_domain::validation::Thresholds;
    use souk_package::pack::pack;

    use crate::testing::{Answer, Client, Seller, World, archive, manifest};

    const PATH: &str = "/plugins/log-reader/versions/1.1.0/diff";

    /// Version 1.1.0 of `log-reader`, which asks for more and has a script.
    async fn updated(seller: &Seller) {
        let mut manifest = manifest("log-reader", "1.1.0");
        manifest["summary"] = json!("Reads every log.");
        manifest["author"] = json!("Ada Example");
        manifest["capabilities"] = json!({"network": ["*.example.com"]});
        let skill = "---\nname: log-reader\ndescription: Reads a log.\n---\n\n# Log reader 1.1.0\n\nLook for errors.\n";
        let files = [("log-reader/SKILL.md", skill), ("log-reader/setup.sh", "pip install requests==2.99.0\n")];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let answer = seller.hand_in("log-reader", &manifest, pack(files).unwrap()).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        seller.approved().await;
    }

    async fn get(client: &Client, query: &str) -> Answer {
        client.get(&format!("{PATH}{query}")).await
    }

    fn texts(answer: &Answer) -> Vec<Value> {
        answer.body["files"]["items"].as_array().unwrap().iter().map(|file| file["omitted"].clone()).collect()
    }

    #[tokio::test]
    async fn everybody_sees_what_an_update_of_a_free_plugin_changes() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        updated(&seller).await;
        let answer = get(&world.nobody(), "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = &answer.body;
        assert_eq!((&body["from"], &body["to"], &body["contents"]), (&json!("1.0.0"), &json!("1.1.0"), &json!(true)));
        assert_eq!((&body["files"]["count"], &body["unchangedFiles"]), (&json!(2), &json!(0)));
        let skill = &body["files"]["items"][0];
        let diff = skill["diff"].as_str().unwrap();
        assert!(diff.contains("-# Log reader 1.0.0\n+# Log reader 1.1.0\n"), "{diff}");
        assert_eq!((&skill["change"], &skill["omitted"]), (&json!("changed"), &json!(null)));
        assert_eq!(skill["from"]["sha256"].as_str().map(str::len), Some(64));
        assert_eq!(body["files"]["items"][1]["change"], "added");
        let capability = json!({"capability": "network", "change": "added", "from": [], "to": ["*.example.com"]});
        assert_eq!(body["capabilities"], json!([capability]));
        let dependency =
            json!({"ecosystem": "pypi", "name": "requests", "change": "added", "from": [], "to": ["2.99.0"]});
        assert_eq!(body["dependencies"], json!({"count": 1, "items": [dependency]}));
        let (author, summary) = (&body["manifest"][0], &body["manifest"][1]);
        assert_eq!((&author["field"], &author["to"]), (&json!("author"), &json!(null)), "it is a person's name");
        assert_eq!((&summary["field"], &summary["to"]), (&json!("summary"), &json!("Reads every log.")));
        assert_eq!(body["risk"]["from"]["level"], "low");
        assert_eq!(body["risk"]["to"]["level"], "medium");
        assert!(body["confidence"]["from"].is_u64() && body["findings"]["new"]["count"].is_u64());

        let own = get(&seller.person, "").await;
        assert_eq!(own.body["manifest"][0]["to"], "Ada Example");
        let back = world.nobody().get("/plugins/log-reader/versions/1.0.0/diff?from=1.1.0").await;
        assert_eq!(back.body["capabilities"][0]["change"], "removed");
    }

    #[tokio::test]
    async fn what_a_paid_plugin_holds_is_for_who_has_a_license() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        updated(&licensed.seller).await;
        let (nobody, stranger) = (world.nobody(), world.person("ben").await);
        for client in [&nobody, &*stranger] {
            let answer = get(client, "").await;
            assert_eq!((answer.status, &answer.body["contents"]), (200, &json!(false)), "{}", answer.body);
            assert_eq!(texts(&answer), ["withheld", "withheld"]);
            for secret in ["# Log reader", "pip install", "Reads every log."] {
                assert!(!answer.text.contains(secret), "{}", answer.text);
            }
            assert_eq!(answer.body["files"]["items"][0]["path"], "log-reader/SKILL.md");
        }
        let moderator = world.moderator().await;
        for client in [&*licensed.holder, &*licensed.seller.person, &*moderator] {
            let answer = get(client, "").await;
            assert_eq!(answer.body["contents"], true);
            assert_eq!(texts(&answer), [json!(null), json!(null)]);
        }
        let suspended = world.moderator().await;
        suspended.post("/plugins/log-reader/suspend", json!({"reason": "looked at"})).await;
        assert_eq!(get(&licensed.holder, "").await.body["contents"], false);
    }

    #[tokio::test]
    async fn what_is_not_approved_is_for_the_vendor_and_moderators() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        seller.submit("log-reader", "1.1.0").await;
        assert_eq!(get(&world.nobody(), "").await.status, 401);
        assert_eq!(get(&*world.person("ben").await, "").await.status, 403);
        let waiting = get(&seller.person, "").await;
        assert_eq!((waiting.status, &waiting.body["findings"]), (200, &json!(null)), "{}", waiting.body);
        seller.decided(Thresholds { approve: 255, escalate: 0 }).await;
        let moderator = world.moderator().await;
        let checked = get(&moderator, "").await;
        assert!(checked.body["findings"]["new"]["count"].is_u64(), "{}", checked.body);
        // Over HTTP, so that the process that answers knows of it at once.
        moderator.post("/plugins/log-reader/versions/1.1.0/approve", json!({})).await;
        assert_eq!(get(&world.nobody(), "").await.body["contents"], true);
        seller.person.post("/plugins/log-reader/versions/1.1.0/yank", json!({"reason": "it has a key"})).await;
        let yanked = get(&world.nobody(), "").await;
        assert_eq!((yanked.status, texts(&yanked)), (200, vec![json!("withheld")]), "{}", yanked.body);
        assert_eq!(texts(&get(&seller.person, "").await), [json!(null)]);
    }

    #[tokio::test]
    async fn what_cannot_be_compared_is_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        seller.submit("log-reader", "1.1.0").await;
        seller.approved().await;
        let nobody = world.nobody();
        for (path, status) in [
            ("/plugins/unknown/versions/1.1.0/diff", 404),
            ("/plugins/log-reader/versions/9.9.9/diff", 404),
            ("/plugins/log-reader/versions/one/diff", 404),
            ("/plugins/log-reader/versions/1.1.0/diff?from=0.9.0", 404),
            ("/plugins/log-reader/versions/1.1.0/diff?from=1.1.0", 422),
            ("/plugins/log-reader/versions/1.1.0/diff?from=one", 422),
            ("/plugins/log-reader/versions/1.0.0/diff", 404),
        ] {
            let answer = nobody.get(path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
        let digest = souk_signing::sha256(&archive("1.0.0"));
        world.artifacts.damage(&digest, b"something else".as_slice().into());
        let answer = get(&nobody, "").await;
        let reason = &answer.body["error"]["details"]["reason"];
        assert_eq!((answer.status, reason), (409, &json!("artifact_missing")), "{}", answer.body);
    }

    #[tokio::test]
    async fn a_version_that_is_no_archive_is_not_comparable() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let answer = seller.hand_in("log-reader", &manifest("log-reader", "1.1.0"), b"no archive".to_vec()).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let answer = get(&seller.person, "").await;
        let reason = &answer.body["error"]["details"]["reason"];
        assert_eq!((answer.status, reason), (409, &json!("not_comparable")), "{}", answer.body);
    }

    #[tokio::test]
    async fn a_comparison_is_kept_for_all_readers_and_each_sees_their_part() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        updated(&licensed.seller).await;
        assert_eq!(get(&licensed.seller.person, "").await.body["contents"], true);
        let digest = souk_signing::sha256(&archive("1.0.0"));
        world.artifacts.damage(&digest, b"something else".as_slice().into());
        let answer = get(&world.nobody(), "").await;
        assert_eq!(
            (answer.status, texts(&answer)),
            (200, vec![json!("withheld"), json!("withheld")]),
            "{}",
            answer.body
        );
    }
}
