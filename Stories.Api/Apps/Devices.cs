using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Apps;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Apps;

/// <summary>Whose devices there are: one's own, and those of people to whom one wants to post.</summary>
internal static class Devices
{
    public static DeviceView View(Device device) => new(device.Id, device.Owner.ToString(), device.Recipient, device.SigningKey, device.CreatedAt);

    public static async Task<Ok<DeviceList>> HandleMine(Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        TypedResults.Ok(await ListAsync(db, caller.Name, cancellationToken));

    /// <summary>An app that shares no audiences with the caller's, and a user who has no device, look alike.</summary>
    public static async Task<Results<Ok<DeviceList>, ProblemHttpResult>> HandleOf(
        string app, string user, Caller caller, AppRegistry apps, StoriesDb db, CancellationToken cancellationToken)
    {
        if (apps.ById(app) is not { } theirs || apps.ById(caller.Name.App) is not { } own || !own.SharesAudiencesWith(theirs)) return Problems.Of(ProblemCodes.NotFound);
        var devices = await ListAsync(db, new UserName(app, user), cancellationToken);
        return devices.Devices.Count == 0 ? Problems.Of(ProblemCodes.NotFound) : TypedResults.Ok(devices);
    }

    public static async Task<Results<NoContent, ProblemHttpResult>> HandleRemove(Guid id, Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        await db.Devices.Where(d => d.Id == id && d.App == caller.Name.App && d.User == caller.Name.User).ExecuteDeleteAsync(cancellationToken) > 0
            ? TypedResults.NoContent()
            : Problems.Of(ProblemCodes.NotFound);

    private static async Task<DeviceList> ListAsync(StoriesDb db, UserName owner, CancellationToken cancellationToken)
    {
        var devices = await db.Devices.AsNoTracking().Where(d => d.App == owner.App && d.User == owner.User).OrderBy(d => d.CreatedAt).ToListAsync(cancellationToken);
        return new DeviceList([.. devices.Select(View)]);
    }
}
