namespace Stories.Protocol;

/// <summary>Every refusal's stable name. docs/http.md explains each; a test compares the two.</summary>
public static class ProblemCodes
{
    public const string Unauthenticated = "auth.required";
    public const string Forbidden = "auth.forbidden";
    public const string NotFound = "notFound";
    public const string RateLimited = "rate.limited";
    public const string RequestInvalid = "request.invalid";
    public const string RequestTooLarge = "request.tooLarge";
    public const string Unavailable = "service.unavailable";
    public const string Failed = "service.failed";

    public const string DeviceInvalid = "device.invalid";
    public const string DeviceIdTaken = "device.idTaken";
    public const string DeviceTooMany = "device.tooMany";

    public const string AudienceInvalid = "audience.invalid";
    public const string AudienceTooLarge = "audience.tooLarge";
    public const string AudienceTooMany = "audience.tooMany";
    public const string AudienceUnknown = "audience.unknown";
    public const string AudienceMemberRefused = "audience.memberRefused";
    public const string AudienceEnvelopeMissing = "audience.envelopeMissing";
    public const string EpochConflict = "audience.epochConflict";

    public const string TusVersion = "upload.versionUnsupported";
    public const string UploadContentType = "upload.contentTypeWrong";
    public const string UploadInvalid = "upload.invalid";
    public const string UploadTooLarge = "upload.tooLarge";
    public const string UploadExpired = "upload.expired";
    public const string UploadTooManyParts = "upload.tooManyParts";
    public const string UploadOffsetConflict = "upload.offsetConflict";
    public const string UploadSuperseded = "upload.superseded";
    public const string UploadChecksumMismatch = "upload.checksumMismatch";
    public const string UploadChecksumUnsupported = "upload.checksumUnsupported";
    public const string UploadKeyExpired = "upload.keyExpired";
    public const string UploadBytesLost = "upload.bytesLost";
    public const string UploadUnknown = "upload.unknown";
    public const string UploadUnfinished = "upload.unfinished";
    public const string UploadAlreadyUsed = "upload.alreadyUsed";
    public const string UploadLevelMismatch = "upload.levelMismatch";
    public const string QuotaUploads = "quota.uploads";
    public const string QuotaBytes = "quota.bytes";
    public const string QuotaRecords = "quota.records";
    public const string QuotaStories = "quota.stories";

    public const string StoryIdTaken = "story.idTaken";
    public const string StoryManifestInvalid = "story.manifestInvalid";
    public const string StorySignatureInvalid = "story.signatureInvalid";
    public const string StoryCreatedAtOutOfRange = "story.createdAtOutOfRange";
    public const string StoryLifetimeOutOfRange = "story.lifetimeOutOfRange";
    public const string StoryTooManyUploads = "story.tooManyUploads";
    public const string StoryPayloadTooLarge = "story.payloadTooLarge";
    public const string StoryPayloadMismatch = "story.payloadMismatch";
    public const string StoryEmpty = "story.empty";
    public const string StoryLevelUnsupported = "story.levelUnsupported";
    public const string StoryEpochUnknown = "story.epochUnknown";
    public const string StoryBacklog = "story.backlog";
    public const string StoryEnded = "story.ended";

    public const string ErasurePending = "erasure.pending";

    public const string IdempotencyKeyMissing = "idempotency.keyMissing";
    public const string IdempotencyKeyReused = "idempotency.keyReused";

    public const string AdsFieldsInvalid = "ads.fieldsInvalid";
    public const string AdsAdvertiserMissing = "ads.advertiserMissing";
    public const string AdsAdvertiserClosed = "ads.advertiserClosed";
    public const string AdsCurrencyFixed = "ads.currencyFixed";
    public const string AdsReferenceUsed = "ads.referenceUsed";
    public const string AdsWalletFull = "ads.walletFull";
    public const string AdsPoliticalRefused = "ads.politicalRefused";
    public const string AdsTooMany = "ads.tooMany";
    public const string AdsArchived = "ads.archived";
    public const string AdsStatusRefused = "ads.statusRefused";
    public const string AdsLineEnded = "ads.lineEnded";
    public const string AdsPriceFixed = "ads.priceFixed";
    public const string AdsBudgetKindFixed = "ads.budgetKindFixed";
    public const string AdsBudgetBelowSettled = "ads.budgetBelowSettled";
    public const string AdsOfferKeyMissing = "ads.offerKeyMissing";
    public const string AdsOfferNotSigned = "ads.offerNotSigned";
    public const string AdsOfferMalformed = "ads.offerMalformed";
    public const string AdsOfferExpired = "ads.offerExpired";
    public const string AdsOfferIdTaken = "ads.offerIdTaken";

    public const string CreditRefused = "credit.refused";
    public const string AdsCreativeState = "ads.creativeState";
    public const string AdsOwnReview = "ads.ownReview";
    public const string MediaResubmitted = "media.resubmitted";
    public const string CellInvalid = "cell.invalid";
    public const string CatalogPending = "catalog.pending";
    public const string ReportRefused = "report.refused";

    /// <summary>Why a worker rejects a story: not problems of a request, but found in its state.</summary>
    public const string MediaNotDecryptable = "media.notDecryptable";
    public const string MediaHeaderRefused = "media.headerRefused";
    public const string MediaDigestMismatch = "media.digestMismatch";
    public const string MediaTruncated = "media.truncated";
    public const string MediaNotPortrait = "media.notPortrait";
    public const string MediaTooShort = "media.tooShort";
    public const string MediaBusyEdges = "media.busyEdges";
    public const string MediaBlackFrames = "media.blackFrames";
    public const string MediaFailed = "media.failed";
}
