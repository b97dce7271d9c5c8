//! The route table.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Method, StatusCode},
    response::Response,
    routing::{MethodRouter, get},
};
use tower::{Layer, ServiceExt};
use tower_http::cors::{Any, CorsLayer};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    Api, docs,
    error::ApiError,
    middleware::{self, Next, Route},
    operations::{
        admin, auth, downloads, events, executions, installs, keys, ledger, licenses, me, moderation, notifications,
        orders, partners, plugins, reviews, subscriptions, system, vendors, versions, webhooks,
    },
};

/// Where everything is that belongs to the marketplace.
const BASE: &str = "/api/v1";

/// Routes behind [`BASE`]. A nested router would take it off every request again, and make a new address of the rest.
struct Table(OpenApiRouter<Api>);

impl Table {
    fn routes(self, (schemas, mut paths, methods): UtoipaMethodRouter<Api>) -> Self {
        let found = std::mem::take(&mut paths.paths).into_iter();
        paths.paths = found.map(|(path, operations)| (format!("{BASE}{path}"), operations)).collect();
        Self(self.0.routes((schemas, paths, methods)))
    }
}

/// Everything that has the base `/api/v1`. Each file says its path; here they stand in the order of their areas.
pub(crate) fn table() -> OpenApiRouter<Api> {
    let table = Table(OpenApiRouter::new())
        // /auth/…
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::refresh::refresh))
        .routes(routes!(auth::logout::logout))
        // /me, /me/…
        .routes(routes!(me::get::me, me::erase::erase_me))
        .routes(routes!(me::export::export_me))
        .routes(routes!(me::library::my_library))
        .routes(routes!(me::licenses::my_licenses))
        .routes(routes!(me::orders::my_orders))
        .routes(routes!(me::subscriptions::my_subscriptions))
        .routes(routes!(me::list_api_keys::list_api_keys, me::create_api_key::create_api_key))
        .routes(routes!(me::delete_api_key::delete_api_key))
        .routes(routes!(notifications::list::my_notifications))
        .routes(routes!(notifications::read::read_notification))
        .routes(routes!(notifications::read_all::read_notifications))
        .routes(routes!(
            notifications::preferences::notification_preferences,
            notifications::choose::choose_notifications
        ))
        // /notifications/…
        .routes(routes!(notifications::unsubscribe::unsubscribe_page, notifications::unsubscribe::unsubscribe))
        // /vendors, /vendors/{id}/…
        .routes(routes!(vendors::create::create_vendor))
        .routes(routes!(vendors::get::get_vendor))
        .routes(routes!(vendors::verify::verify_vendor))
        .routes(routes!(vendors::suspend::suspend_vendor))
        .routes(routes!(vendors::commission::set_commission))
        .routes(routes!(vendors::analytics::vendor_analytics))
        .routes(routes!(vendors::earnings::vendor_earnings))
        .routes(routes!(vendors::earnings_entries::vendor_earnings_entries))
        .routes(routes!(vendors::statement::vendor_statement))
        .routes(routes!(vendors::list_payouts::list_payouts, vendors::request_payout::request_payout))
        .routes(routes!(vendors::payout_paid::payout_paid))
        .routes(routes!(vendors::payout_failed::payout_failed))
        .routes(routes!(vendors::payout_account::set_payout_account))
        .routes(routes!(vendors::invoices::vendor_invoices))
        .routes(routes!(vendors::list_keys::list_vendor_keys, vendors::register_key::register_vendor_key))
        .routes(routes!(vendors::revoke_key::revoke_vendor_key))
        // /plugins, /plugins/{plugin}/…
        .routes(routes!(plugins::search::search_plugins, plugins::create::create_plugin))
        .routes(routes!(plugins::get::get_plugin, plugins::amend::amend_plugin))
        .routes(routes!(plugins::suspend::suspend_plugin))
        .routes(routes!(plugins::reinstate::reinstate_plugin))
        .routes(routes!(plugins::deprecate::deprecate_plugin))
        .routes(routes!(plugins::transfer::transfer_plugin))
        .routes(routes!(plugins::validation::plugin_validations))
        .routes(routes!(plugins::reliability::plugin_reliability))
        .routes(routes!(plugins::reliability_history::plugin_reliability_history))
        .routes(routes!(plugins::history::plugin_history))
        // /plugins/{plugin}/versions, /plugins/{plugin}/versions/{version}/…
        // `write` limits bodies, by what they are; axum would refuse archives of more than 2 MB.
        .routes(
            routes!(versions::list::list_versions, versions::submit::submit_version).layer(DefaultBodyLimit::disable()),
        )
        .routes(routes!(versions::yank::yank_version))
        .routes(routes!(versions::approve::approve_version))
        .routes(routes!(versions::reject::reject_version))
        .routes(routes!(versions::appeal::appeal_version))
        .routes(routes!(versions::rollback::roll_back_version))
        .routes(routes!(versions::release::version_release))
        .routes(routes!(versions::diff::version_diff))
        .routes(routes!(downloads::start::start_download))
        .routes(routes!(downloads::fetch::fetch_download))
        // /plugins/{plugin}/install
        .routes(routes!(installs::install::install_plugin, installs::uninstall::uninstall_plugin))
        // /plugins/{plugin}/execute, /plugins/{plugin}/status
        .routes(routes!(executions::execute::execute_plugin))
        .routes(routes!(executions::status::execution_status))
        // /plugins/{plugin}/reviews, /plugins/{plugin}/reviews/mine, /plugins/{plugin}/reviews/{id}/…
        .routes(routes!(reviews::list::list_reviews))
        .routes(routes!(reviews::put_mine::put_review, reviews::retract_mine::retract_review))
        .routes(routes!(reviews::flag::flag_review))
        .routes(routes!(reviews::unflag::unflag_review))
        .routes(routes!(reviews::hide::hide_review))
        .routes(routes!(reviews::restore::restore_review))
        .routes(routes!(reviews::reply::reply_to_review))
        // /moderation, /moderation/{id}
        .routes(routes!(moderation::queue::moderation_queue))
        .routes(routes!(moderation::get::moderation_case))
        // /orders, /orders/{id}/…
        .routes(routes!(orders::place::place_order))
        .routes(routes!(orders::get::get_order))
        .routes(routes!(orders::invoices::order_invoices))
        .routes(routes!(orders::pay::record_payment))
        .routes(routes!(orders::refund::refund_order))
        .routes(routes!(orders::cancel::cancel_order))
        .routes(routes!(orders::confirm::confirm_order))
        // /subscriptions/{id}/…
        .routes(routes!(subscriptions::get::get_subscription))
        .routes(routes!(subscriptions::cancel::cancel_subscription))
        .routes(routes!(subscriptions::resume::resume_subscription))
        // /licenses/validate, /licenses/{id}/…
        .routes(routes!(licenses::validate::validate_license))
        .routes(routes!(licenses::get::get_license))
        .routes(routes!(licenses::file::license_file))
        .routes(routes!(licenses::rotate::rotate_license_key))
        .routes(routes!(licenses::usage::record_license_usage))
        .routes(routes!(licenses::activate::activate_license))
        .routes(routes!(licenses::deactivate::deactivate_license))
        .routes(routes!(licenses::suspend::suspend_license))
        .routes(routes!(licenses::reinstate::reinstate_license))
        .routes(routes!(licenses::revoke::revoke_license))
        // /events, /events/stream, /schemas/…
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::stream::stream_events))
        .routes(routes!(events::schema::event_schema))
        // /partners/me, /partners/me/webhooks/{id}/…
        .routes(routes!(partners::me::partner_me))
        .routes(routes!(
            partners::list_webhooks::list_partner_webhooks,
            partners::create_webhook::create_partner_webhook
        ))
        .routes(routes!(partners::get_webhook::get_partner_webhook, partners::delete_webhook::delete_partner_webhook))
        .routes(routes!(partners::rotate_secret::rotate_partner_webhook))
        .routes(routes!(partners::enable_webhook::enable_partner_webhook))
        .routes(routes!(partners::disable_webhook::disable_partner_webhook))
        .routes(routes!(partners::replay_webhook::replay_partner_webhook))
        .routes(routes!(partners::test_webhook::test_partner_webhook))
        .routes(routes!(partners::deliveries::partner_webhook_deliveries))
        // /keys
        .routes(routes!(keys::list::list_keys))
        // /events/{position}/…, /ledger/…
        .routes(routes!(ledger::proof::event_proof))
        .routes(routes!(ledger::consistency::ledger_consistency))
        // /admin/…
        .routes(routes!(admin::list_projections::list_projections))
        .routes(routes!(admin::rebuild_projection::rebuild_projection, admin::cancel_rebuild::cancel_rebuild))
        .routes(routes!(admin::retry_projection::retry_projection))
        .routes(routes!(admin::skip_event::skip_event))
        .routes(routes!(admin::list_parked::list_parked))
        .routes(routes!(admin::retry_parked::retry_parked))
        .routes(routes!(admin::drop_parked::drop_parked))
        .routes(routes!(webhooks::list::list_webhooks))
        .routes(routes!(webhooks::get::get_webhook))
        .routes(routes!(webhooks::payload::webhook_payload))
        .routes(routes!(webhooks::retry::retry_webhook))
        .routes(routes!(admin::list_mail::list_mail))
        .routes(routes!(admin::retry_mail::retry_mail))
        .routes(routes!(admin::pay_out::pay_out))
        .routes(routes!(admin::payout_batch::payout_batch))
        .routes(routes!(admin::list_partners::list_partners, admin::create_partner::create_partner))
        .routes(routes!(admin::get_partner::get_partner, admin::amend_partner::amend_partner))
        .routes(routes!(admin::create_partner_key::create_partner_key))
        .routes(routes!(admin::delete_partner_key::delete_partner_key))
        .routes(routes!(admin::erase_user::erase_user))
        .routes(routes!(admin::grant_role::grant_role))
        .routes(routes!(admin::revoke_role::revoke_role));
    table.0
}

/// What has no base, asks nobody who they are and counts no requests.
pub(crate) fn system_table() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(system::health::health))
        .routes(routes!(system::ready::ready))
        .routes(routes!(system::metrics::metrics))
        // Whoever checks a ledger need not say who they are.
        .routes(routes!(ledger::checkpoint::ledger_checkpoint))
        .routes(routes!(ledger::tile::ledger_tile))
        // Payment gateways sign what they send; who they are nobody asks.
        .routes(routes!(webhooks::receive::receive_from_stripe))
        .routes(routes!(webhooks::receive::receive_from_razorpay))
}

/// The documents of the interface, and a page that shows them. They do not describe themselves.
fn documents() -> [(&'static str, MethodRouter<Api>); 5] {
    [
        ("/api/v1/openapi.json", get(system::document::openapi_document)),
        ("/api/v1/asyncapi.json", get(system::document::asyncapi_document)),
        ("/docs", get(docs::docs)),
        ("/docs/docs.js", get(docs::script)),
        ("/docs/docs.css", get(docs::style)),
    ]
}

/// What a path leads to.
struct Found {
    /// The template that it has.
    template: String,
    /// Whether that is an operation of the marketplace.
    serves: bool,
}

/// The templates of all routes. They are looked up before a request passes anything: most of what it passes depends on them.
static ROUTES: LazyLock<matchit::Router<Found>> = LazyLock::new(|| {
    let operations = table().into_openapi().paths.paths.into_keys().map(|template| Found { template, serves: true });
    let system = system_table().into_openapi().paths.paths.into_keys();
    let system = system.chain(documents().into_iter().map(|(path, _)| path.to_owned()));
    let mut routes = matchit::Router::new();
    for found in operations.chain(system.map(|template| Found { template, serves: false })) {
        // Were there two that both match a path, axum would not have taken them either.
        let _ = routes.insert(found.template.clone(), found);
    }
    routes
});

/// The HTTP interface; cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    api: Api,
    router: Router,
    /// What browsers ask before a request. Around the router it would read and copy headers of every request, to say the same each time:
    /// [`middleware::envelope`] says that.
    preflight: CorsLayer,
}

impl Http {
    /// The answer to `request`.
    pub async fn answer(&self, mut request: Request) -> Response {
        let Inner { api, router, preflight } = self.0.as_ref();
        let router = router.clone();
        if request.method() == Method::OPTIONS {
            return preflight.layer(router).oneshot(request).await.unwrap_or_else(|never| match never {});
        }
        let found = ROUTES.at(request.uri().path()).ok().map(|found| found.value);
        request.extensions_mut().insert(Route(found.map_or("", |found| &found.template)));
        if found.is_none_or(|found| found.serves) {
            middleware::served(api, request, Next(router)).await
        } else {
            middleware::plain(api, request, Next(router)).await
        }
    }
}

/// The HTTP interface over `api`, with all that requests pass through.
pub fn router(api: Api) -> Http {
    let (served, _) = table().split_for_parts();
    let (system, _) = system_table().split_for_parts();
    let mut router = served.merge(system);
    for (path, handler) in documents() {
        router = router.route(path, handler);
    }
    let nothing = async || ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address");
    let router = router.fallback(nothing).with_state(api.clone());
    // Nothing here is guarded by cookies, so any page may ask in the name of whoever gives it a token.
    let preflight = CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any).vary([]);
    Http(Arc::new(Inner { api, router, preflight }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_known_by_its_template_before_a_request_passes_anything() {
        for (_, template) in crate::routes() {
            let found = ROUTES.at(&template).unwrap_or_else(|_| panic!("{template}"));
            assert_eq!(found.value.template.replace("{*", "{"), template);
            let outside = ["/health", "/ready", "/metrics", "/ledger/", "/webhooks/"];
            assert_eq!(found.value.serves, !outside.iter().any(|start| template.starts_with(start)), "{template}");
        }
        for (path, _) in documents() {
            assert!(!ROUTES.at(path).unwrap().value.serves, "{path}");
        }
        let found = ROUTES.at("/api/v1/plugins/log-reader").unwrap();
        assert_eq!(found.value.template, "/api/v1/plugins/{plugin}");
        assert!(ROUTES.at("/api/v1/nothing/here").is_err());
    }
}
