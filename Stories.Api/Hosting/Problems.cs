using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>
/// Every refusal of the Api: its status and what it says to a person. Codes are stable; texts may improve. Nothing in a
/// refusal repeats what the caller sent.
/// </summary>
public static class Problems
{
    public const string ContentType = "application/problem+json";

    private static readonly Dictionary<string, (int Status, string Title)> Catalogue = new()
    {
        [ProblemCodes.Unauthenticated] = (401, "This needs a valid token of a registered app."),
        [ProblemCodes.Forbidden] = (403, "The token does not carry the scope that this needs."),
        [ProblemCodes.NotFound] = (404, "There is nothing here that you may see."),
        [ProblemCodes.RateLimited] = (429, "Too many requests; wait as long as Retry-After says."),
        [ProblemCodes.RequestInvalid] = (400, "The request cannot be read as what this route expects."),
        [ProblemCodes.RequestTooLarge] = (413, "The request's body is larger than this route takes."),
        [ProblemCodes.Unavailable] = (503, "The service cannot do this just now; try again shortly."),

        [ProblemCodes.Failed] = (500, "The service made a mistake; what it was is in its log."),

        [ProblemCodes.DeviceInvalid] = (400, "A device needs an age recipient (age1…) and a 32-byte Ed25519 public key."),
        [ProblemCodes.DeviceIdTaken] = (409, "Another device has this id; choose a random one."),
        [ProblemCodes.DeviceTooMany] = (409, "You have as many devices as allowed; remove one first."),

        [ProblemCodes.AudienceInvalid] = (400, "An epoch needs a known kind, an age recipient, members written app/user, and envelopes of 1 to 4,096 bytes."),
        [ProblemCodes.AudienceTooLarge] = (400, "The audience has more members than allowed."),
        [ProblemCodes.AudienceTooMany] = (409, "You have as many audiences as allowed."),
        [ProblemCodes.AudienceUnknown] = (422, "You have no such audience to post to."),
        [ProblemCodes.AudienceMemberRefused] = (422, "A member belongs to an app with which yours does not share audiences."),
        [ProblemCodes.AudienceEnvelopeMissing] = (422, "There must be exactly one envelope for each device of the owner and the members."),
        [ProblemCodes.EpochConflict] = (409, "The audience has moved on: read it again and use the next epoch number."),

        [ProblemCodes.TusVersion] = (412, "Send Tus-Resumable: 1.0.0."),
        [ProblemCodes.UploadContentType] = (415, "Bytes of an upload are sent as application/offset+octet-stream."),
        [ProblemCodes.UploadInvalid] = (400, "A header of the upload is missing or malformed."),
        [ProblemCodes.UploadTooLarge] = (413, "The upload is larger than allowed, or more was sent than announced."),
        [ProblemCodes.UploadExpired] = (410, "The upload's time is over; begin a new one."),
        [ProblemCodes.UploadTooManyParts] = (400, "The upload came in too many pieces, or too much of it in vain; begin a new one, in larger pieces or in smaller ones with a checksum each."),
        [ProblemCodes.UploadOffsetConflict] = (409, "The offset is not where the upload stands; ask with HEAD."),
        [ProblemCodes.UploadSuperseded] = (423, "A newer request has taken over this upload."),
        [ProblemCodes.UploadChecksumMismatch] = (460, "The bytes do not have the announced checksum; nothing of them was kept."),
        [ProblemCodes.UploadChecksumUnsupported] = (400, "The checksum's algorithm is not supported, or it is not base64 of the right length."),
        [ProblemCodes.UploadKeyExpired] = (422, "The processing key is unknown or no longer to be used; fetch the list again."),
        [ProblemCodes.UploadBytesLost] = (410, "Storage no longer has this upload's bytes; begin a new one."),
        [ProblemCodes.UploadUnknown] = (422, "The story names an upload that you do not have."),
        [ProblemCodes.UploadUnfinished] = (422, "The story names an upload whose bytes have not all come."),
        [ProblemCodes.UploadAlreadyUsed] = (409, "The story names an upload that another story already uses."),
        [ProblemCodes.UploadLevelMismatch] = (422, "An upload was begun for another protection level than the story's."),
        [ProblemCodes.QuotaUploads] = (429, "You have as many open uploads, or bytes in them, as allowed; finish or end some."),
        [ProblemCodes.QuotaBytes] = (429, "You have uploaded as much as a day allows."),
        [ProblemCodes.QuotaRecords] = (429, "You have submitted as many records of sponsored statuses as a day allows."),
        [ProblemCodes.QuotaStories] = (429, "You have as many live stories as allowed."),

        [ProblemCodes.StoryIdTaken] = (409, "Another story has this id, or you published something else under it."),
        [ProblemCodes.StoryManifestInvalid] = (400, "The manifest is not one in canonical form, or does not fit the request."),
        [ProblemCodes.StorySignatureInvalid] = (422, "The manifest is not signed by the device it names, or that device is not yours."),
        [ProblemCodes.StoryCreatedAtOutOfRange] = (422, "createdAt is more than two minutes from the service's clock."),
        [ProblemCodes.StoryLifetimeOutOfRange] = (400, "A story lives between 1 minute and 48 hours."),
        [ProblemCodes.StoryTooManyUploads] = (400, "A story has at most 10 uploads."),
        [ProblemCodes.StoryPayloadTooLarge] = (413, "The payload is over 64 KiB or the key envelope over 4 KiB."),
        [ProblemCodes.StoryPayloadMismatch] = (422, "Payload or uploads are not those whose digests the manifest signs."),
        [ProblemCodes.StoryEmpty] = (400, "A story needs an upload or a payload."),
        [ProblemCodes.StoryLevelUnsupported] = (422, "Stories with uploads are taken at the levels processed and clear."),
        [ProblemCodes.StoryEpochUnknown] = (422, "The audience has no such epoch, or it is not the newest."),
        [ProblemCodes.StoryBacklog] = (503, "Processing is further behind than this story would live; try again later."),
        [ProblemCodes.StoryEnded] = (410, "This story has ended; its id is not used again."),

        [ProblemCodes.ErasurePending] = (409, "The story's bucket is not erased yet; due says when it ends."),

        [ProblemCodes.IdempotencyKeyMissing] = (400, "This needs one Idempotency-Key of 1 to 128 visible ASCII characters."),
        [ProblemCodes.IdempotencyKeyReused] = (422, "This Idempotency-Key was used for another request within 24 hours."),

        [ProblemCodes.AdsFieldsInvalid] = (422, "Some fields are not as they must be; faults says which, and what must hold."),
        [ProblemCodes.AdsAdvertiserMissing] = (409, "Register as an advertiser first."),
        [ProblemCodes.AdsAdvertiserClosed] = (409, "The advertiser is closed, for good."),
        [ProblemCodes.AdsCurrencyFixed] = (409, "A wallet keeps its currency."),
        [ProblemCodes.AdsReferenceUsed] = (409, "This reference was booked with another amount."),
        [ProblemCodes.AdsWalletFull] = (409, "A wallet holds no more than that."),
        [ProblemCodes.AdsPoliticalRefused] = (422, "Nothing political is shown: notPolitical has to be declared."),
        [ProblemCodes.AdsTooMany] = (409, "You have as many of these as allowed."),
        [ProblemCodes.AdsArchived] = (409, "It is archived, for good."),
        [ProblemCodes.AdsStatusRefused] = (409, "Nothing becomes a draft again."),
        [ProblemCodes.AdsLineEnded] = (409, "The line's end has passed; give it a later end first."),
        [ProblemCodes.AdsPriceFixed] = (409, "Views of this line were billed: its price stays. Book another line."),
        [ProblemCodes.AdsBudgetKindFixed] = (409, "Views of this line were billed: its kind of budget and its time zone stay. Book another line."),
        [ProblemCodes.AdsBudgetBelowSettled] = (409, "More than this has been billed already."),
        [ProblemCodes.AdsOfferKeyMissing] = (409, "The advertiser has no key that signs offers; register one first."),
        [ProblemCodes.AdsOfferNotSigned] = (422, "The offer is not signed by the advertiser's offer key."),
        [ProblemCodes.AdsOfferMalformed] = (422, "The offer is not one in canonical form, or has another id or key than it is sent under."),
        [ProblemCodes.AdsOfferExpired] = (422, "The offer has expired."),
        [ProblemCodes.AdsOfferIdTaken] = (409, "Another offer has this id; what was signed is never changed."),

        [ProblemCodes.CreditRefused] = (409, "The line has not as many billed views left as are to be given back, or they cost nothing."),
        [ProblemCodes.AdsCreativeState] = (409, "The creative is in a state in which this cannot be done; its view says which."),
        [ProblemCodes.AdsOwnReview] = (403, "Somebody else has to decide about this one: not its owner, and about an appeal not who refused it."),
        [ProblemCodes.CellInvalid] = (400, "A cell is a placement, a country (two capital letters), a language (two small letters, only with a country) and an age band."),
        [ProblemCodes.CatalogPending] = (503, "There is no catalog for this cell yet; ask again when Retry-After says."),
        [ProblemCodes.ReportRefused] = (400, "There is no such report, it is not broken down so, or it is of more than 92 days."),
    };

    public static IEnumerable<string> Codes => Catalogue.Keys;

    public static int Status(string code) => Catalogue[code].Status;

    public static ProblemHttpResult Of(string code) => Of(code, Code(code));

    /// <summary>With one more thing that a program can read.</summary>
    public static ProblemHttpResult Of(string code, string name, object value) => Of(code, new Dictionary<string, object?>(Code(code)) { [name] = value });

    /// <summary>Gives a code to what the framework refuses by itself.</summary>
    public static void Complete(ProblemDetails problem)
    {
        if (problem.Extensions.ContainsKey("code")) return;
        var code = (problem.Status ?? 500) switch
        {
            401 => ProblemCodes.Unauthenticated,
            403 => ProblemCodes.Forbidden,
            404 or 405 => ProblemCodes.NotFound,
            413 => ProblemCodes.RequestTooLarge,
            429 => ProblemCodes.RateLimited,
            >= 400 and < 500 => ProblemCodes.RequestInvalid,
            503 => ProblemCodes.Unavailable,
            _ => ProblemCodes.Failed,
        };
        problem.Extensions["code"] = code;
        problem.Type = Type(code);
        problem.Title = Catalogue[code].Title;
        problem.Detail = null;
    }

    private static ProblemHttpResult Of(string code, Dictionary<string, object?> extensions) =>
        TypedResults.Problem(statusCode: Catalogue[code].Status, title: Catalogue[code].Title, type: Type(code), extensions: extensions);

    private static string Type(string code) => $"urn:stories:problem:{code}";

    private static Dictionary<string, object?> Code(string code) => new() { ["code"] = code };
}
