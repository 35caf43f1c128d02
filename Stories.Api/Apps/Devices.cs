using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
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

    /// <summary>An app that shares no audiences with the caller's, and a user who has no device, are simply not in the answer.</summary>
    public static async Task<Results<Ok<DeviceList>, ProblemHttpResult>> HandleFind(
        DeviceSearch search, Caller caller, AppRegistry apps, StoriesDb db, IOptions<AppOptions> options, CancellationToken cancellationToken)
    {
        if (search.Users is null || search.Users.Count > options.Value.MembersPerAudience) return Problems.Of(ProblemCodes.RequestInvalid);
        var own = apps.ById(caller.Name.App);
        var users = search.Users.Select(text => UserName.TryParse(text, out var name) ? name : default)
            .Where(name => name.App is not null && apps.ById(name.App) is { } theirs && own?.SharesAudiencesWith(theirs) is true).ToList();
        string[] userApps = [.. users.Select(u => u.App)], userNames = [.. users.Select(u => u.User)];
        var devices = await db.Devices.FromSql($"""
            select d.* from unnest({userApps}, {userNames}) as u(app, name) join devices d on d.app = u.app and d."user" = u.name
            """).AsNoTracking().ToListAsync(cancellationToken);
        return TypedResults.Ok(new DeviceList([.. devices.Select(View)]));
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
