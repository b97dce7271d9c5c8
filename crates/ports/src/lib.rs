//! The ports of Souk: what the outside must offer, and the values that pass through.

pub mod artifact;
pub mod audit;
pub mod auth;
pub mod clock;
pub mod directory;
pub mod feed;
pub mod ledger;
pub mod log;
pub mod mail;
pub mod malware;
pub mod metadata;
pub mod notice;
pub mod partition;
pub mod partner;
pub mod payment;
pub mod sandbox;
pub mod store;
pub mod vault;

pub use artifact::{ArtifactChunks, ArtifactError, ArtifactStore};
pub use auth::{Bearer, IssuedToken, Keyring, Passwords, SecretKind};
pub use clock::{Clock, Random};
pub use directory::{Directory, DirectoryError, Due, Timeline};
pub use feed::{EventFeed, FeedBatch, FeedBatches, FeedError};
pub use ledger::{Ledger, LedgerError};
pub use log::{Appended, EventLog, Expected, Filter, LogError, NewEvent, Position, RecordedEvent};
pub use mail::{Mail, MailError, Mailer, Wording};
pub use malware::{MalwareError, MalwareScanner};
pub use metadata::{Actor, ActorKind, Concerned, Metadata};
pub use notice::{Notice, Notices, Outbox};
pub use partition::{partition_key, partition_of, partition_of_key};
pub use partner::{CallError, Hook, HookCaller, HookState, PartnerStore};
pub use payment::{GatewayError, PaymentGateway, WebhookError};
pub use sandbox::{Sandbox, SandboxError};
pub use vault::{Vault, VaultError};
