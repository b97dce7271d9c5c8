//! `souk admin`

use souk_app::{
    Context, Secret,
    users::{self, Who},
};
use souk_domain::{id::CommandId, user::Role};
use souk_ports::{Position, Random};

use crate::{
    cli::AdminCommand, config::Config, failure::Failure, interrupt::Interrupt, output::say, system::SystemRandom,
    wire::Souk,
};

/// Manages accounts and reactions as the operator.
///
/// # Errors
/// There is no such account or reaction, or the database cannot be reached.
pub async fn run(config: &Config, command: AdminCommand) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open_apart(config).await?;
    let done = match command {
        AdminCommand::Grant { email, role } => interrupt.or(grant(&souk, &email, role)).await,
        AdminCommand::Erase { who } => interrupt.or(erase(&souk, &who)).await,
        AdminCommand::Rewind { reaction, position } => interrupt.or(rewind(&souk, &reaction, position)).await,
    };
    souk.close().await?;
    say(done?);
    Ok(())
}

async fn grant(souk: &Souk, email: &str, role: Role) -> Result<String, Failure> {
    let context = Context::operator(CommandId::new(SystemRandom.uuid()));
    let who = Who::Email(Secret(email.to_owned()));
    let done = users::grant_role(souk.app(), &context, &who, role)
        .await
        .map_err(|error| Failure::new(error).during("granting the role"))?;
    let role = format!("{role:?}").to_lowercase();
    Ok(if done.changed { format!("{email} is {role} now.") } else { format!("{email} was {role} already.") })
}

async fn erase(souk: &Souk, who: &str) -> Result<String, Failure> {
    let context = Context::operator(CommandId::new(SystemRandom.uuid()));
    let named = who.parse().map_or_else(|_| Who::Email(Secret(who.to_owned())), Who::Id);
    let done = users::request_erasure(souk.app(), &context, &named)
        .await
        .map_err(|error| Failure::new(error).during("erasing the person"))?;
    Ok(if done.changed {
        "It is recorded. The key is destroyed within moments by whoever runs reactions (`souk serve` or `souk react`)."
            .to_owned()
    } else {
        "It was asked for already.".to_owned()
    })
}

async fn rewind(souk: &Souk, reaction: &str, position: Position) -> Result<String, Failure> {
    if souk.reactions().rewind(reaction, position).await.map_err(Failure::new)? {
        Ok(format!("{reaction} answers once more what comes behind position {position}, beginning in half a minute."))
    } else {
        Err(Failure::new(format!(
            "there is no reaction `{reaction}` at position {position} or behind it; see `souk doctor`"
        )))
    }
}
