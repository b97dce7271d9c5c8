//! Why a use case refuses or fails, in the terms that the HTTP interface answers with.

use souk_domain::{
    download, execution, installation, license,
    listing::{Invalid, InvalidFields},
    order, partner, plugin, review, series, subscription, traffic, user, validation, vendor, webhook,
};
use souk_ports::{ArtifactError, DirectoryError, LogError, MalwareError, VaultError, store::StoreError};

/// Why a use case refuses or fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// Fields of the request are refused (422 `validation_failed`).
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    /// What was named does not exist, or the caller may not know that it does (404 `not_found`). Says what was looked for.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The caller must say who they are (401 `unauthorized`).
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The caller may not do this (403 `forbidden`).
    #[error("{0}")]
    Forbidden(&'static str),
    /// The caller has no right to this plugin (403 `not_entitled`).
    #[error("{0}")]
    NotEntitled(String),
    /// What was handed in is not signed by who should have (422 `invalid_signature`).
    #[error("{0}")]
    InvalidSignature(String),
    /// The state of things forbids it (409 `conflict`).
    #[error("{message}")]
    Conflict {
        /// Stable snake case, for `details.reason`.
        reason: &'static str,
        /// A sentence.
        message: String,
    },
    /// The event is not in a signed tree yet (404 `not_yet_in_ledger`); soon it will be.
    #[error("this is not in the signed ledger yet; try again")]
    NotYetInLedger,
    /// A read model did not reach the log's head in time (503 `projection_behind`).
    #[error("the read models are behind; try again")]
    Behind,
    /// The log or a store does not answer (503 `unavailable`). A write may or may not have happened: repeat it with its key.
    #[error("a part of Souk does not answer: {0}")]
    Unavailable(String),
    /// A fault of Souk or of its data (500 `internal`). The text is for the logs.
    #[error("internal: {0}")]
    Internal(String),
}

impl AppError {
    /// The stable code of the HTTP interface.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::NotFound(_) => "not_found",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotEntitled(_) => "not_entitled",
            Self::InvalidSignature(_) => "invalid_signature",
            Self::Conflict { .. } => "conflict",
            Self::NotYetInLedger => "not_yet_in_ledger",
            Self::Behind => "projection_behind",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// One refused field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid(InvalidFields(vec![Invalid { field: field.into(), problem: problem.into() }]))
    }

    /// A conflict with a stable reason.
    #[must_use]
    pub fn conflict(reason: &'static str, message: impl ToString) -> Self {
        Self::Conflict { reason, message: message.to_string() }
    }

    /// Whether it is the state of things that refuses, so that an older state may have refused wrongly.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::Forbidden(_) | Self::NotEntitled(_) | Self::Conflict { .. })
    }

    /// Whether the same call may succeed later without anything else changing.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Behind | Self::Unavailable(_))
    }
}

impl From<LogError> for AppError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(_) => Self::Unavailable(error.to_string()),
            LogError::TooLarge { .. } => Self::invalid("", error.to_string()),
            LogError::Refused(_) | LogError::Corrupt(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<VaultError> for AppError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unavailable(_) => Self::Unavailable(error.to_string()),
            VaultError::Forged { .. } | VaultError::Invalid { .. } => Self::Internal(error.to_string()),
        }
    }
}

impl From<ArtifactError> for AppError {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Unavailable(_) => Self::Unavailable(error.to_string()),
            ArtifactError::NotFound(_) | ArtifactError::Damaged(_) | ArtifactError::OutOfRange { .. } => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl From<MalwareError> for AppError {
    fn from(error: MalwareError) -> Self {
        match error {
            MalwareError::Unavailable(_) => Self::Unavailable(error.to_string()),
            // It may be because of what was scanned: whoever waits for it to get better may wait for ever.
            MalwareError::Failed(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<DirectoryError> for AppError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Behind { .. } => Self::Behind,
            DirectoryError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<user::Error> for AppError {
    fn from(error: user::Error) -> Self {
        match error {
            user::Error::NotRegistered => Self::NotFound("this account"),
            user::Error::UnknownApiKey => Self::NotFound("this API key"),
            user::Error::AlreadyRegistered => Self::conflict("already_registered", error),
            user::Error::RoleNotRevocable => Self::conflict("role_not_revocable", error),
            user::Error::TooManyApiKeys(_) => Self::conflict("too_many_api_keys", error),
            user::Error::Abandoned => Self::conflict("abandoned", error),
            user::Error::Erased => Self::NotFound("this account"),
            user::Error::ErasureNotRequested => Self::conflict("erasure_not_requested", error),
        }
    }
}

impl From<vendor::Error> for AppError {
    fn from(error: vendor::Error) -> Self {
        match error {
            vendor::Error::NotRegistered => Self::NotFound("this vendor"),
            vendor::Error::UnknownKey => Self::NotFound("this key"),
            vendor::Error::AlreadyRegistered => Self::conflict("already_registered", error),
            vendor::Error::KeyWasRevoked => Self::conflict("key_was_revoked", error),
            vendor::Error::TooManyKeys(_) => Self::conflict("too_many_keys", error),
            vendor::Error::Abandoned => Self::conflict("abandoned", error),
            vendor::Error::PayoutTooSmall { .. } => Self::conflict("payout_too_small", error),
            vendor::Error::PayoutTooLarge { .. } => Self::conflict("payout_too_large", error),
            vendor::Error::UnknownPayout => Self::NotFound("this payout"),
            vendor::Error::PayoutSettled(_) => Self::conflict("payout_settled", error),
        }
    }
}

impl From<plugin::Error> for AppError {
    fn from(error: plugin::Error) -> Self {
        match error {
            plugin::Error::NotCreated => Self::NotFound("this plugin"),
            plugin::Error::UnknownVersion(_) => Self::NotFound("this version"),
            plugin::Error::KindChanged => Self::invalid("kind", error.to_string()),
            plugin::Error::VendorMayNotPublish => Self::Forbidden("only a verified vendor publishes"),
            plugin::Error::AlreadyCreated => Self::conflict("already_created", error),
            plugin::Error::Abandoned => Self::conflict("abandoned", error),
            plugin::Error::VersionNotIncreasing { .. } => Self::conflict("version_not_increasing", error),
            plugin::Error::DigestChanged(_) => Self::conflict("digest_changed", error),
            plugin::Error::AlreadyCurrent(_) => Self::conflict("already_current", error),
            plugin::Error::WrongStatus { .. } => Self::conflict("wrong_status", error),
            plugin::Error::NotValidated(_) => Self::conflict("validation_not_concluded", error),
        }
    }
}

impl From<validation::Error> for AppError {
    fn from(error: validation::Error) -> Self {
        match error {
            validation::Error::NotRequested => Self::NotFound("this validation"),
            validation::Error::NotConcluded => Self::conflict("validation_not_concluded", error),
            validation::Error::AlreadyAdjudicated => Self::conflict("already_adjudicated", error),
            validation::Error::AlreadyAppealed => Self::conflict("already_appealed", error),
            validation::Error::NotRejected => Self::conflict("not_rejected", error),
            validation::Error::NotAppealed => Self::conflict("not_appealed", error),
            validation::Error::AppealOpen => Self::conflict("appeal_open", error),
            validation::Error::AlreadyRequested
            | validation::Error::UnexpectedStep(_)
            | validation::Error::StepsMissing(_)
            | validation::Error::AlreadyConcluded
            | validation::Error::InvalidPipeline
            | validation::Error::VerdictNotFinal => Self::conflict("validation_state", error),
        }
    }
}

impl From<installation::Error> for AppError {
    fn from(error: installation::Error) -> Self {
        match error {
            installation::Error::PluginSuspended => Self::conflict("plugin_suspended", error),
            installation::Error::VersionNotApproved(_) => Self::conflict("version_not_approved", error),
            installation::Error::NotEntitled => Self::NotEntitled(error.to_string()),
            installation::Error::NotInstalled => Self::NotFound("this installation"),
        }
    }
}

impl From<execution::Error> for AppError {
    fn from(error: execution::Error) -> Self {
        match error {
            execution::Error::PluginSuspended => Self::conflict("plugin_suspended", error),
            execution::Error::VersionNotApproved(_) => Self::conflict("version_not_approved", error),
            execution::Error::NotInstalled | execution::Error::NotEntitled => Self::NotEntitled(error.to_string()),
            execution::Error::NotStarted => Self::NotFound("this execution"),
        }
    }
}

impl From<review::Error> for AppError {
    fn from(error: review::Error) -> Self {
        match error {
            review::Error::NotInstalled | review::Error::OwnPlugin => Self::NotEntitled(error.to_string()),
            review::Error::NotFound => Self::NotFound("this review"),
        }
    }
}

impl From<order::Error> for AppError {
    fn from(error: order::Error) -> Self {
        match error {
            order::Error::NotPlaced => Self::NotFound("this order"),
            order::Error::AlreadyPlaced => Self::conflict("already_placed", error),
            order::Error::Free => Self::conflict("plugin_is_free", error),
            order::Error::NotAvailable => Self::conflict("not_available", error),
            order::Error::AlreadyPaid => Self::conflict("already_paid", error),
            order::Error::PaymentMismatch { .. } => Self::conflict("payment_mismatch", error),
            order::Error::NotPaid => Self::conflict("not_paid", error),
            order::Error::RefundTooLarge { .. } => Self::conflict("refund_too_large", error),
            order::Error::RefundNotPositive => Self::invalid("amount", error.to_string()),
            order::Error::Canceled => Self::conflict("order_canceled", error),
            order::Error::TaxesNotTold => Self::conflict("taxes_not_told", error),
            order::Error::OtherCurrency(_) => Self::conflict("other_currency", error),
            order::Error::OtherRefund => Self::conflict("other_refund", error),
        }
    }
}

impl From<license::Error> for AppError {
    fn from(error: license::Error) -> Self {
        match error {
            license::Error::NotIssued => Self::NotFound("this license"),
            license::Error::UnknownMachine => Self::NotFound("this activation"),
            license::Error::AlreadyIssued => Self::conflict("already_issued", error),
            license::Error::NotActive(_) => Self::conflict("license_not_active", error),
            license::Error::Expired => Self::conflict("license_expired", error),
            license::Error::TooManyMachines(_) => Self::conflict("too_many_machines", error),
            license::Error::HeldByPayment(_) => Self::conflict("held_by_payment", error),
            license::Error::DownloadsExhausted(_) => Self::conflict("downloads_exhausted", error),
            license::Error::UsesExhausted { .. } => Self::conflict("uses_exhausted", error),
            license::Error::DownloadNotPermitted => Self::NotEntitled(error.to_string()),
            license::Error::KeyNotRotated(_) => Self::conflict("key_not_rotated", error),
        }
    }
}

impl From<subscription::Error> for AppError {
    fn from(error: subscription::Error) -> Self {
        match error {
            subscription::Error::NotStarted => Self::NotFound("this subscription"),
            subscription::Error::AlreadyStarted => Self::conflict("already_started", error),
            subscription::Error::Over => Self::conflict("subscription_over", error),
        }
    }
}

impl From<download::Error> for AppError {
    fn from(error: download::Error) -> Self {
        match error {
            download::Error::NotInitiated => Self::NotFound("this download"),
        }
    }
}

impl From<webhook::Error> for AppError {
    fn from(error: webhook::Error) -> Self {
        match error {
            webhook::Error::NotReceived => Self::NotFound("this webhook"),
        }
    }
}

impl From<partner::Error> for AppError {
    fn from(error: partner::Error) -> Self {
        match error {
            partner::Error::NotRegistered => Self::NotFound("this partner"),
            partner::Error::UnknownKey => Self::NotFound("this key"),
            partner::Error::AlreadyRegistered => Self::conflict("already_registered", error),
            partner::Error::TooManyKeys(_) => Self::conflict("too_many_keys", error),
        }
    }
}

impl From<traffic::Error> for AppError {
    fn from(error: traffic::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<series::Error> for AppError {
    fn from(error: series::Error) -> Self {
        match error {}
    }
}

impl From<Invalid> for AppError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.into())
    }
}
