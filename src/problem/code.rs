//! The code of every error that can reach the user.

use super::ErrorKind;

/// Whose code it is. TikTok uses some of its codes both to refuse a call and to say why it failed a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This program's.
    Ours,
    /// TikTok's refusal of a call, as TikTok spells it.
    Refusal,
    /// TikTok's reason for not posting what it has, as TikTok spells it.
    FailReason,
}

/// What is known of a code by itself.
struct Row {
    name: &'static str,
    kind: ErrorKind,
    origin: Origin,
}

macro_rules! codes {
    ($($origin:ident: { $($kind:ident: { $($code:ident = $name:literal,)* })* })*) => {
        /// The code of an error; no two of the same [`Origin`] have the same name. Names are kept in the
        /// journal and reported to scripts: a promise. What each means and what to do about it: the
        /// catalogue of `output`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ErrorCode {
            $($($($code,)*)*)*
        }

        impl ErrorCode {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$($($(Self::$code,)*)*)*];
        }

        /// In the order of the codes.
        const ROWS: &[Row] = &[$($($(
            Row { name: $name, kind: ErrorKind::$kind, origin: Origin::$origin },
        )*)*)*];
    };
}

impl ErrorCode {
    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The code as it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The kind of trouble that it is, unless where it happens makes it another.
    pub(crate) fn kind(self) -> ErrorKind {
        self.row().kind
    }

    /// Whose it is.
    pub(crate) fn origin(self) -> Origin {
        self.row().origin
    }
}

codes! {
    Ours: {
        Temporary: {
            AccountBusy = "account_busy",
            AccountBusyHere = "account_busy_here",
            AccountMovedOn = "account_changed_meanwhile",
            AccountTakenOver = "account_taken_over",
            AttemptLimit = "too_many_attempts",
            ChunkFailed = "chunk_failed",
            ConsoleRunning = "console_running",
            DatabaseAway = "database_away",
            DatabaseBusy = "database_busy",
            DatabaseCrowded = "database_crowded",
            DatabaseFailedOver = "database_failed_over",
            DatabaseReadOnly = "database_read_only",
            DatabaseUnacknowledged = "database_unacknowledged",
            DraftsAhead = "drafts_ahead",
            FileChangedSince = "file_changed_since",
            FileReplaced = "file_replaced",
            FileUnfinished = "file_unfinished",
            IdPending = "id_pending",
            JournalBusy = "journal_busy",
            LeaseLost = "lease_lost",
            Locked = "locked",
            LoginTimeout = "login_timeout",
            LoginTimeoutQr = "login_timeout.qr",
            LoginTrouble = "login_trouble",
            NoAnswer = "no_answer",
            NotSent = "not_sent",
            NotTikTok = "not_tiktok",
            NotTikTokPath = "not_tiktok_path",
            OutOfStep = "out_of_step",
            OutOfStepLive = "out_of_step_live",
            PortInUse = "port_in_use",
            PostMovedOn = "post_changed_meanwhile",
            Processing = "processing",
            FileElsewhere = "file_elsewhere",
            ProxyTrouble = "proxy_trouble",
            RefreshBusy = "refresh_busy",
            RunInterrupted = "interrupted",
            SourceUnreachable = "source_unreachable",
            TooSlow = "too_slow",
            TransferBusy = "transfer_busy",
            TransferReplaced = "transfer_replaced",
            UnconfirmedUnnamed = "unconfirmed_unnamed",
            WaitingForProof = "waiting_for_proof",
        }
        Login: {
            LoginNeeded = "login_needed",
            LoginNeededBy = "login_needed_by",
            LoginLost = "login_lost",
            LoginLostBy = "login_lost_by",
            LoginExported = "login_exported",
            LoginDenied = "login_denied",
            CodeNotExchanged = "code_not_exchanged",
            OtherAccount = "other_account",
            OtherAccountApp = "other_account_app",
            NobodyLoggedIn = "nobody_logged_in",
            NoAccount = "no_account",
            ManifestAccounts = "manifest_accounts",
            RefreshElsewhere = "refresh_elsewhere",
            RefreshOther = "refresh_of_another_user",
            RefreshUnread = "refresh_unread",
            RefreshUnreadLost = "refresh_unread_lost",
            ScopeNotAsked = "scope_not_asked",
            ScopeNotGranted = "scope_not_granted",
            TransferLogin = "transfer_login",
            TransferOther = "transfer_other_login",
        }
        Local: {
            DatabaseDamaged = "database_damaged",
            DatabaseFailed = "database_failed",
            DatabaseFull = "database_full",
            DatabaseNewer = "database_newer",
            DiskFull = "disk_full",
            DiskReadOnly = "disk_read_only",
            FileDenied = "file_denied",
            ReadDenied = "read_denied",
            FileFailed = "file_failed",
            FileImmutable = "file_immutable",
            FileInTheWay = "file_in_the_way",
            FileMode = "file_mode",
            FileMounted = "file_mounted",
            FileNotSynced = "file_not_synced",
            FileOwner = "file_owner",
            FileSizeLimit = "file_size_limit",
            JournalFileKind = "journal_file_kind",
            JournalFileLinks = "journal_file_links",
            JournalWalLinks = "journal_wal_links",
            TokensFileKind = "tokens_file_kind",
            TokensFileLinks = "tokens_file_links",
            TokensFileSize = "tokens_file_size",
            NoDescriptors = "no_open_files",
            NoMemory = "no_memory",
            NoSystemDescriptors = "no_open_files_of_the_system",
            NoThreads = "no_threads",
            SystemLimit = "system_limit",
            RuntimeNotStarted = "runtime_not_started",
            Journal = "journal",
            JournalCorrupt = "journal_corrupt",
            JournalCorruptInPlace = "journal_corrupt_in_place",
            JournalCorruptInUse = "journal_corrupt_in_use",
            JournalDoubtful = "journal_doubtful",
            JournalFailed = "journal_failed",
            JournalNewer = "journal_newer",
            JournalNoKey = "journal_no_key",
            JournalRepaired = "journal_repaired",
            JournalSetAside = "journal_set_aside",
            JournalVanished = "journal_vanished",
            LocksMissing = "locks_missing",
            LoginNotSaved = "login_not_saved",
            LoginNotSavedRevoked = "login_not_saved_revoked",
            LoginNotSynced = "login_not_synced",
            ManifestDisk = "manifest_disk",
            RefreshKept = "refresh_not_saved",
            RefreshLost = "refresh_lost",
            TokenOdd = "token_odd",
            TokenNotDecrypted = "token_not_decrypted",
            TokenStore = "token_store",
            TokensCorrupt = "tokens_corrupt",
            TokensEncrypted = "tokens_encrypted",
            TokensNewer = "tokens_newer",
            TokensNoKey = "tokens_no_key",
            SlotsDamaged = "slots_damaged",
            StoreKeyCommand = "store_key_command",
            StoreKeyDamaged = "store_key_damaged",
            StoreKeyGone = "store_key_gone",
            StoreKeyInvalid = "store_key_invalid",
            StoreKeyMemory = "store_key_memory",
            StoreKeyNotMade = "store_key_not_made",
            StoreKeyNotSet = "store_key_not_set",
            StoreKeyScheme = "store_key_other_scheme",
            StorePassphraseMissing = "store_passphrase_missing",
            StorePassphraseWrong = "store_passphrase_wrong",
            KeyringLocked = "keyring_locked",
            KeyringNoEntry = "keyring_no_entry",
            KeyringNotBuilt = "keyring_not_built",
            ConsoleAddress = "console_address",
            ConsolePortInUse = "console_port_in_use",
            ConsoleQueueDamaged = "console_queue_damaged",
            ConsoleUsersDamaged = "console_users_damaged",
            ConsoleUsersNewer = "console_users_newer",
            SandboxNotStarted = "sandbox_not_started",
            SandboxPortInUse = "sandbox_port_in_use",
            TransferMemory = "transfer_memory",
            VideoDisk = "video_disk",
        }
        Input: {
            AppNotConfigured = "app_not_configured",
            DatabaseNotBuilt = "database_not_built",
            DatabaseAddress = "database_address",
            DatabaseAuthorities = "database_authorities",
            DatabaseClosed = "database_closed",
            DatabaseNotSet = "database_not_set",
            QueueNotShared = "queue_not_shared",
            DatabaseDenied = "database_denied",
            DatabaseRefused = "database_refused",
            DatabaseTls = "database_tls",
            OtherApi = "other_api",
            OtherApiIsTikTok = "other_api_is_tiktok",
            OtherApp = "other_app",
            LoginNoTarget = "login_no_target",
            LoginRefused = "login_refused",
            LoginScope = "login_scope",
            AppSecret = "app_secret",
            RefreshNotAllowed = "refresh_not_allowed",
            AccountAmbiguous = "account_ambiguous",
            AccountUnknown = "account_unknown",
            AliasInvalid = "alias_invalid",
            CredentialInvalid = "credential_invalid",
            CredentialMissing = "credential_missing",
            CredentialsAlike = "credentials_alike",
            CredentialsSame = "credentials_same",
            AppAmbiguous = "app_ambiguous",
            AppExists = "app_exists",
            AppMissing = "app_missing",
            AppName = "app_name",
            AppUnknown = "app_unknown",
            AppsNone = "apps_none",
            ConfigInvalid = "config_invalid",
            ConfigLayout = "config_layout",
            ConfigRefused = "config_refused",
            EndpointInvalid = "endpoint_invalid",
            HomeNotPlain = "home_not_plain",
            HomePath = "home_path",
            HomeUnknown = "home_unknown",
            NotText = "not_text",
            NotUtf8 = "not_utf8",
            SecretCommand = "secret_command",
            SecretFile = "secret_file",
            SettingsFile = "settings_file",
            CredentialPlaceholder = "credential_placeholder",
            TimingElsewhere = "timing_elsewhere",
            TimingInvalid = "timing_invalid",
            StorePassphraseShort = "store_passphrase_short",
            ManifestBoth = "manifest_wrong_and_accounts",
            ManifestKind = "manifest_kind",
            ManifestMissing = "manifest_missing",
            ManifestUnreadable = "manifest_unreadable",
            ConfigAccounts = "config_accounts",
            ManifestWrong = "manifest_wrong",
            CommandLineWrong = "command_line_wrong",
            SidecarWrong = "sidecar_wrong",
            NothingPasted = "nothing_pasted",
            PasteUnreadable = "paste_unreadable",
            NotTrusted = "not_trusted",
            ProxyLogin = "proxy_login",
            ProxyRefuses = "proxy_refuses",
            ProxyUnknown = "proxy_unknown",
            ProxyVariable = "proxy_variable",
            RedirectUri = "redirect_uri",
            ConsoleReach = "console_reach",
            ConsoleTls = "console_tls",
            ConsoleUser = "console_user",
            PostMissing = "post_missing",
            PostIsAnother = "post_is_another",
            PostNotUnresolved = "post_not_unresolved",
            PostSettledByHand = "post_settled_by_hand",
            PostUnconfirmed = "post_unconfirmed",
            ProcessingUnnamed = "processing_unnamed",
            SandboxArguments = "sandbox_arguments",
            SourceUnreadable = "source_unreadable",
            TransferAge = "transfer_age",
            TransferContent = "transfer_content",
            TransferDamaged = "transfer_damaged",
            TransferNewer = "transfer_newer",
            TransferPassphrase = "transfer_passphrase",
        }
        Final: {
            AccountStopped = "stopped",
            CallbackPort = "callback_port",
            CallbackStopped = "callback_stopped",
            ChunkRefused = "chunk_refused",
            ClientNotBuilt = "client_not_built",
            FailedAgain = "failed_again",
            FailedPull = "failed_pull",
            FailedBefore = "failed_before",
            FailedForGood = "failed_for_good",
            FailedInEveryAttempt = "failed_in_every_attempt",
            FailedNotRetried = "failed_not_retried",
            FailedUnnamed = "failed_unnamed",
            FileChanged = "file_changed",
            FileGone = "file_gone",
            FingerprintInvalid = "fingerprint_invalid",
            IdOfAnother = "id_of_another",
            IdReused = "id_reused",
            IdWithoutFile = "id_without_file",
            LoginStopped = "login_stopped",
            NoRandom = "no_random",
            NotARequest = "not_a_request",
            OtherContent = "other_content",
            PlanImpossible = "plan_impossible",
            PostFailed = "failed",
            PrivacyNotOffered = "privacy_not_offered",
            RepostUnfinished = "repost_unfinished",
            ProgramFault = "program_fault",
            QrForm = "qr_form",
            ResolvedByHand = "resolved",
            SameAddress = "same_address",
            StepImpossible = "step_impossible",
            StoreClosed = "store_closed",
            TransferNotEncrypted = "transfer_not_encrypted",
            TokenNotGiven = "token",
            UploadUrlInvalid = "bad_upload_url",
            VideoTooLong = "video_too_long",
            VideoUnreadable = "file",
        }
        Wanted: {
            AccountPaused = "account_paused",
        }
        Unknown: {
            Incomplete = "done_without_all_bytes",
            MayBePosted = "may_be_posted",
            OutcomeUnknown = "outcome_unknown",
            SameContent = "same_content",
            UnrecordedOpen = "unrecorded_open",
            UnrecordedRefusal = "unrecorded_refusal",
            SameSize = "same_size",
        }
    }
    Refusal: {
        Temporary: {
            ActiveUserCap = "reached_active_user_cap",
            InternalError = "internal_error",
            RateLimitExceeded = "rate_limit_exceeded",
            ServerError = "server_error",
            TemporarilyUnavailable = "temporarily_unavailable",
            TooManyPendingShares = "spam_risk_too_many_pending_share",
            TooManyPosts = "spam_risk_too_many_posts",
        }
        Login: {
            AccessDenied = "access_denied",
            AccessTokenInvalid = "access_token_invalid",
            InvalidGrant = "invalid_grant",
            ScopeNotAuthorized = "scope_not_authorized",
        }
        Input: {
            InvalidClient = "invalid_client",
            InvalidClientKey = "invalid_client.key",
            InvalidRequestRedirect = "invalid_request.redirect_uri",
            InvalidRequestSecret = "invalid_request.secret",
            InvalidScope = "invalid_scope",
            UnauthorizedClient = "unauthorized_client",
        }
        Final: {
            AppVersion = "app_version_check_failed",
            Banned = "spam_risk_user_banned_from_posting",
            InvalidFileUpload = "invalid_file_upload",
            InvalidParams = "invalid_params",
            InvalidParamsChunkSize = "invalid_params.chunk_size",
            InvalidPublishId = "invalid_publish_id",
            InvalidRequest = "invalid_request",
            InvalidRequestForm = "invalid_request.malformed",
            InvalidRequestVerifier = "invalid_request.verifier",
            NotCancellable = "publish_not_cancellable",
            PrivacyLevelMismatch = "privacy_level_option_mismatch",
            PublishIdNotOurs = "token_not_authorized_for_specified_publish_id",
            RefusalUnlisted = "unlisted",
            ScopePermissionMissed = "scope_permission_missed",
            UnauditedClient = "unaudited_client_can_only_post_to_private_accounts",
            UnauditedClientBoth = "unaudited_client_can_only_post_to_private_accounts.both",
            UnauditedClientPost = "unaudited_client_can_only_post_to_private_accounts.post",
            UnsupportedGrantType = "unsupported_grant_type",
            UnsupportedResponseType = "unsupported_response_type",
            UrlOwnershipUnverified = "url_ownership_unverified",
        }
    }
    FailReason: {
        Final: {
            FailedCancelled = "publish_cancelled",
            FailedDuration = "duration_check_failed",
            FailedFormat = "file_format_check_failed",
            FailedFrameRate = "frame_rate_check_failed",
            FailedInternal = "internal",
            FailedPhotoPull = "photo_pull_failed",
            FailedPictureSize = "picture_size_check_failed",
            FailedSpam = "spam_risk",
            FailedSpamBanned = "spam_risk_user_banned_from_posting",
            FailedSpamPosts = "spam_risk_too_many_posts",
            FailedSpamText = "spam_risk_text",
            FailedUnlisted = "unlisted",
            FailedVideoPull = "video_pull_failed",
        }
        Login: {
            FailedAuthRemoved = "auth_removed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_name_and_no_two_have_the_same() {
        let all = ErrorCode::ALL;
        for (at, code) in all.iter().enumerate() {
            let twice = all[..at].iter().find(|other| {
                other.as_str() == code.as_str()
                    // What we call an error is none of TikTok's codes.
                    && (other.origin() == code.origin() || Origin::Ours == other.origin())
            });
            assert_eq!(twice, None, "{code:?}");
        }
    }
}
