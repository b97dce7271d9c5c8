//! To what a gateway's names belong. One payment has many (a session, an intent, an invoice, a charge), and each notice knows some of them.

use std::time::Duration;

use souk_domain::{
    order::Gateway,
    reservation::{self, References},
    stream::StreamId,
};
use uuid::Uuid;

use crate::{App, AppError, Context, execute::Call, memory::About};

/// Says that `names` belong to `holder`; whether that was new of any. Fails in words when one belongs to another.
pub(crate) async fn link(
    app: &App,
    ctx: &Context,
    gateway: Gateway,
    names: &[String],
    holder: Uuid,
) -> Result<Result<bool, String>, AppError> {
    let mut new = false;
    for name in names {
        let stream = StreamId::of_reference(gateway, name);
        let fact = app.fact::<References>(stream.uuid, Duration::MAX).await?;
        if *fact.state == reservation::State::Held(holder) {
            continue;
        }
        let call = Call::on(ctx, stream.uuid, About::NOTHING);
        if !app.reserve::<References>(call, reservation::Kind::Reference, holder).await? {
            return Ok(Err(format!("`{name}` belongs to something else already")));
        }
        new = true;
    }
    Ok(Ok(new))
}

/// What the first of `names` that is known belongs to.
pub(crate) async fn find(app: &App, gateway: Gateway, names: &[String]) -> Result<Option<Uuid>, AppError> {
    for name in names {
        let stream = StreamId::of_reference(gateway, name);
        let fact = app.fact::<References>(stream.uuid, Duration::ZERO).await?;
        if let reservation::State::Held(holder) = *fact.state {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}
