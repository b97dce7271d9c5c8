//! Partners: systems of others that consume public events, what they may see, and their webhooks.

pub mod deliver;
pub mod hooks;
pub mod signature;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use souk_domain::{
    id::{PartnerId, PartnerKeyId, PluginId, VendorId},
    partner::{Command, Partner, Partners, Quotas, Scopes, State},
    text::{self, Problems},
};
use souk_ports::{
    Position,
    partner::{Cursor, Hook},
};

use crate::{
    App, AppError, Context, Done,
    execute::Call,
    memory::About,
    public::{Asked, Filter, Refusal, parse_patterns},
};

/// How webhooks of partners are called.
#[derive(Clone, Debug)]
pub struct Delivering {
    /// How long to wait after each failed attempt; after one more the webhook is disabled.
    pub retries: Vec<Duration>,
}

impl Default for Delivering {
    fn default() -> Self {
        // Some three days together.
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        Self { retries: seconds.map(Duration::from_secs).to_vec() }
    }
}

/// What a new partner may see, as typed.
#[derive(Clone, Debug, Default)]
pub struct NewScopes {
    /// Patterns of types.
    pub types: Vec<String>,
    /// Vendors; none for all.
    pub vendors: BTreeSet<VendorId>,
    /// Plugins; none for all.
    pub plugins: BTreeSet<PluginId>,
}

/// What is to change of a partner.
#[derive(Clone, Debug, Default)]
pub struct Amend {
    /// What it may see.
    pub scopes: Option<NewScopes>,
    /// How much of it.
    pub quotas: Option<Quotas>,
    /// Whether it sees nothing, and why.
    pub suspended: Option<(bool, String)>,
}

/// Where a partner stands.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Who.
    pub partner: Partner,
    /// How far it has read pages or streams; none when it never did.
    pub cursor: Option<Cursor>,
    /// Its webhooks.
    pub hooks: Vec<Hook>,
    /// Position of the log's last event.
    pub head: Position,
}

/// The greatest quota of each kind.
const MOST: Quotas = Quotas { requests_per_minute: 60_000, streams: 1_000, webhooks: 100 };

impl NewScopes {
    fn checked(self, problems: &mut Problems) -> Scopes {
        let Self { types, vendors, plugins } = self;
        if types.is_empty() {
            problems.add("scopes.types", "must name at least one type, or `*`");
        }
        for (field, entries) in
            [("scopes.types", types.len()), ("scopes.vendors", vendors.len()), ("scopes.plugins", plugins.len())]
        {
            if entries > Scopes::MAX_ENTRIES {
                problems.add(field, format!("must have at most {} entries", Scopes::MAX_ENTRIES));
            }
        }
        let types = parse_patterns(types.iter().map(String::as_str)).unwrap_or_else(|unknown| {
            problems.add("scopes.types", unknown_type(&unknown));
            BTreeSet::new()
        });
        Scopes { types, vendors, plugins }
    }
}

/// What is said of a type that is none.
pub(crate) fn unknown_type(name: &str) -> String {
    let shown: String = name.chars().take(100).collect();
    format!("no public event has the type {shown:?}")
}

fn check_quotas(quotas: Quotas, problems: &mut Problems) -> Quotas {
    for (field, value, most) in [
        ("quotas.requestsPerMinute", quotas.requests_per_minute, MOST.requests_per_minute),
        ("quotas.streams", quotas.streams, MOST.streams),
        ("quotas.webhooks", quotas.webhooks, MOST.webhooks),
    ] {
        if value > most {
            problems.add(field, format!("must be at most {most}"));
        }
    }
    quotas
}

fn registered(state: &State) -> Result<&Partner, AppError> {
    match state {
        State::Registered(partner) => Ok(partner),
        State::Absent => Err(AppError::NotFound("this partner")),
    }
}

fn partner_of(done: Done<Arc<State>>) -> Result<Done<Partner>, AppError> {
    let partner = registered(&done.value)?.clone();
    Ok(done.map(|_| partner))
}

/// Opens a partner; admin only. The id is derived from the command.
///
/// # Errors
/// `Invalid`, `Forbidden`.
pub async fn register(
    app: &App,
    ctx: &Context,
    name: String,
    scopes: NewScopes,
    quotas: Quotas,
) -> Result<Done<Partner>, AppError> {
    let ctx = ctx.require_admin()?;
    let mut problems = Problems::default();
    problems.line("name", &name, 100);
    let scopes = scopes.checked(&mut problems);
    let quotas = check_quotas(quotas, &mut problems);
    problems.finish(())?;
    let id = PartnerId::derived(&["partner", &ctx.command.to_string()]);
    // First, so that no crash leaves a partner that nobody finds.
    app.ports.partners.note(id).await?;
    let command = Command::Register { id, name, scopes, quotas };
    partner_of(app.execute::<Partners>(Call::new(&ctx, id.uuid(), About::NOTHING), command).await?)
}

/// Changes what a partner may see; admin only.
///
/// # Errors
/// `Invalid`, `Forbidden`, `NotFound`.
pub async fn amend(app: &App, ctx: &Context, id: PartnerId, amend: Amend) -> Result<Done<Partner>, AppError> {
    let ctx = ctx.require_admin()?;
    let mut problems = Problems::default();
    let scopes = amend.scopes.map(|scopes| scopes.checked(&mut problems));
    let quotas = amend.quotas.map(|quotas| check_quotas(quotas, &mut problems));
    if let Some((true, reason)) = &amend.suspended {
        problems.body("reason", reason, 1_000);
    }
    problems.finish(())?;
    let step = ctx.step("scopes");
    let set = app.decide::<Partners>(Call::on(&step, id.uuid(), About::NOTHING), |state| {
        let known = registered(state)?;
        Ok(Command::SetScopes {
            scopes: scopes.clone().unwrap_or_else(|| known.scopes.clone()),
            quotas: quotas.unwrap_or(known.quotas),
        })
    });
    let set = set.await.map_err(crate::execute::Failure::into_error)?;
    let command = match amend.suspended {
        None => return partner_of(set),
        Some((true, reason)) => Command::Suspend { reason },
        Some((false, _)) => Command::Reinstate,
    };
    let step = ctx.step("suspended");
    let done = app.execute::<Partners>(Call::on(&step, id.uuid(), About::NOTHING), command).await?;
    partner_of(done.after(set))
}

/// Records a key of a partner; the caller made it and gives its SHA-256. Admin only.
///
/// # Errors
/// `Invalid`, `Forbidden`, `NotFound`; conflict `too_many_keys`.
pub async fn issue_key(
    app: &App,
    ctx: &Context,
    id: PartnerId,
    label: &str,
    hash: [u8; 32],
) -> Result<Done<PartnerKeyId>, AppError> {
    let ctx = ctx.require_admin()?;
    text::line("label", label, 100)?;
    let key = PartnerKeyId::derived(&["partner-key", &ctx.command.to_string()]);
    let command = Command::IssueKey { key, label: label.to_owned() };
    let done = app.execute::<Partners>(Call::on(&ctx, id.uuid(), About::NOTHING), command).await?;
    // A crash before this leaves a key that opens nothing, and that can be revoked.
    if registered(&done.value)?.keys.contains_key(&key) {
        app.ports.partners.add_key(id, key, hash).await?;
    }
    Ok(done.map(|_| key))
}

/// Ends a key of a partner; admin only.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub async fn revoke_key(app: &App, ctx: &Context, id: PartnerId, key: PartnerKeyId) -> Result<Done<()>, AppError> {
    let ctx = ctx.require_admin()?;
    // First, so that no crash leaves a key open that is recorded as revoked.
    app.ports.partners.remove_key(id, key).await?;
    let call = Call::on(&ctx, id.uuid(), About::NOTHING);
    Ok(app.execute::<Partners>(call, Command::RevokeKey { key }).await?.map(|_| ()))
}

/// The partner `id`, as it was at most a moment ago.
///
/// # Errors
/// `NotFound`.
pub async fn get(app: &App, id: PartnerId) -> Result<Partner, AppError> {
    let known = app.fact::<Partners>(id.uuid(), app.settings.fact_age).await?;
    registered(&known.state).cloned()
}

/// Whose key has this SHA-256, unless it was revoked.
///
/// # Errors
/// `Unavailable`.
pub async fn recognize(app: &App, hash: [u8; 32]) -> Result<Option<(Partner, PartnerKeyId)>, AppError> {
    let Some((id, key)) = app.ports.partners.key(hash).await? else { return Ok(None) };
    match get(app, id).await {
        Ok(partner) if partner.keys.contains_key(&key) => Ok(Some((partner, key))),
        Ok(_) | Err(AppError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a partner stands.
///
/// # Errors
/// `Unavailable`.
pub async fn overview(app: &App, partner: Partner) -> Result<Overview, AppError> {
    let cursor = app.ports.partners.cursor(partner.id).await?;
    let hooks = app.ports.partners.hooks(partner.id).await?;
    // Last, so that nobody is ahead of it.
    let head = app.public.head().await?;
    Ok(Overview { partner, cursor, hooks, head })
}

/// One partner as the operator sees it; admin only.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub async fn inspect(app: &App, ctx: &Context, id: PartnerId) -> Result<Overview, AppError> {
    ctx.require_admin()?;
    overview(app, get(app, id).await?).await
}

/// A page of partners in order of their ids, and where the next one begins; admin only.
///
/// # Errors
/// `Forbidden`.
pub async fn list(
    app: &App,
    ctx: &Context,
    after: Option<PartnerId>,
    limit: usize,
) -> Result<(Vec<Overview>, Option<PartnerId>), AppError> {
    ctx.require_admin()?;
    let mut noted = app.ports.partners.noted(after, limit.saturating_add(1)).await?;
    let more = noted.len() > limit;
    noted.truncate(limit);
    let mut found = Vec::with_capacity(noted.len());
    for id in &noted {
        match get(app, *id).await {
            Ok(partner) => found.push(overview(app, partner).await?),
            // Noted, and never came to be.
            Err(AppError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((found, noted.last().copied().filter(|_| more)))
}

/// Which events somebody with `scopes` gets who asks for this.
///
/// # Errors
/// [`Denied`].
pub async fn filter(app: &App, scopes: &Scopes, mut asked: Asked) -> Result<Filter, Denied> {
    if let Some(plugin) = asked.plugin {
        let named = crate::plugins::PluginRef::Id(plugin);
        let fact = crate::plugins::fact(app, &named, app.settings.fact_age).await?;
        asked.plugin_vendor = Some(crate::plugins::created(&fact.state)?.vendor);
    }
    Filter::new(&asked, scopes).map_err(Denied::Refused)
}

/// Why somebody gets no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// What was asked for.
    Refused(Refusal),
    /// Everything else.
    Other(AppError),
}

impl From<AppError> for Denied {
    fn from(error: AppError) -> Self {
        Self::Other(error)
    }
}

/// Refuses a position behind the end of the log, and one that the log never gave: for who is told later.
///
/// # Errors
/// As [`check_cursor`]; `Invalid`.
pub async fn check_start(app: &App, after: Position) -> Result<Result<(), Position>, AppError> {
    let within = check_cursor(app, after).await?;
    if within.is_ok() && after > 0 {
        app.public.check(after).await?;
    }
    Ok(within)
}

/// Refuses a position behind the end of the log.
///
/// # Errors
/// The position of the log's last event, when `after` is behind it.
pub async fn check_cursor(app: &App, after: Position) -> Result<Result<(), Position>, AppError> {
    if after == 0 {
        return Ok(Ok(()));
    }
    let head = app.public.head().await?;
    Ok(if after > head { Err(head) } else { Ok(()) })
}
