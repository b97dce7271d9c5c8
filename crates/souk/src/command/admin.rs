//! `souk admin`

use souk_app::{
    Context, Secret,
    users::{self, Who},
};
use souk_domain::{id::CommandId, user::Role};
use souk_ports::Random;

use crate::{
    cli::AdminCommand, config::Config, failure::Failure, interrupt::Interrupt, output::say, system::SystemRandom,
    wire::Souk,
};

/// Manages accounts as the operator.
///
/// # Errors
/// There is no such account, or the database cannot be reached.
pub async fn run(config: &Config, command: AdminCommand) -> Result<(), Failure> {
    let AdminCommand::Grant { email, role } = command;
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open_apart(config).await?;
    let granted = interrupt.or(grant(&souk, &email, role)).await;
    souk.close().await?;
    say(granted?);
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
