using System.Globalization;
using System.Net;
using System.Text;
using Hangfire.Dashboard;
using Hangfire.Dashboard.Pages;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Erasure;

namespace Stories.Api.Erasure;

/// <summary>
/// A page of the Hangfire dashboard: when each bucket was due, sealed and gone, a day back and a day ahead. It says nothing that
/// <c>GET /v1/buckets</c> does not.
/// </summary>
internal sealed class ErasurePage : RazorPage
{
    private const string Title = "Erasures";
    private const string Path = "/erasures";
    private const int MostRows = 200;

    /// <summary>The dashboard's routes and menu are the process's, in which hosts may come and go: the runtime does this once.</summary>
    static ErasurePage()
    {
        DashboardRoutes.Routes.AddRazorPage(Path, _ => new ErasurePage());
        NavigationMenu.Items.Add(page => new MenuItem(Title, page.Url.To(Path)) { Active = page.RequestPath.StartsWith(Path, StringComparison.Ordinal) });
    }

    public static void Register()
    {
        // All is done by the time this is called.
    }

    public override void Execute()
    {
        Layout = new LayoutPage(Title);
        var services = Context.GetHttpContext().RequestServices;
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var marks = Read(services.GetRequiredService<StoriesDb>(), now);
        var timeline = new ErasureTimeline(marks, now, Overdue.After);

        WriteLiteral($"<h1 class=\"page-header\">{Title}</h1><p>{Encode(timeline.Summary)}</p>");
        WriteLiteral(timeline.Draw());
        WriteLiteral(Table(timeline));
    }

    /// <summary>Pages of the dashboard are written in one go, without waiting.</summary>
    private static List<BucketMark> Read(StoriesDb db, DateTimeOffset now) =>
    [
        .. db.Buckets.AsNoTracking()
            .Where(b => b.EndsAt > now - ErasureTimeline.Span && b.EndsAt <= now + ErasureTimeline.Span || b.EndsAt <= now && b.State != BucketState.Erased)
            .OrderBy(b => b.EndsAt)
            .Select(b => new BucketMark(
                b.Id, b.EndsAt, b.State, b.SealedAt, b.ErasedAt,
                // Before it is sealed nobody has counted.
                b.SealedAt == null ? db.ErasureLeaves.Count(l => l.BucketId == b.Id) : b.Stories, b.Blobs, b.Bytes)),
    ];

    /// <summary>What should be gone first; then along time, from what comes to what was, as much of both as is nearest.</summary>
    private static string Table(ErasureTimeline timeline)
    {
        var rows = timeline.Marks
            .OrderBy(m => timeline.PhaseOf(m) > BucketPhase.Due).ThenBy(m => (m.Due - timeline.Now).Duration()).Take(MostRows)
            .OrderBy(m => timeline.PhaseOf(m) > BucketPhase.Due).ThenByDescending(m => m.Due).ToList();
        var text = new StringBuilder("""
            <div class="table-responsive"><table class="table" aria-label="Buckets"><thead><tr>
            <th>Due (UTC)</th><th>What</th><th>Sealed</th><th>Erased</th><th>Lag</th><th>Stories</th><th>Blobs</th><th>Bytes</th><th>Bucket</th></tr></thead><tbody>
            """);
        foreach (var mark in rows)
        {
            string[] cells =
            [
                Time(mark.Due), ErasureTimeline.WordFor(timeline.PhaseOf(mark)), Time(mark.SealedAt), Time(mark.ErasedAt), mark.ErasedAt is { } erased ? ErasureTimeline.Write(erased - mark.Due) : "",
                Number(mark.Stories), mark.SealedAt is null ? "" : Number(mark.Blobs), mark.SealedAt is null ? "" : Number(mark.Bytes), mark.Id.ToString(),
            ];
            text.Append("<tr>");
            foreach (var cell in cells) text.Append("<td>").Append(Encode(cell)).Append("</td>");
            text.Append("</tr>");
        }
        text.Append("</tbody></table></div>");
        if (rows.Count < timeline.Marks.Count) text.Append(CultureInfo.InvariantCulture, $"<p>{rows.Count} of {timeline.Marks.Count} are listed.</p>");
        return text.ToString();
    }

    private static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("d MMM HH:mm:ss", CultureInfo.InvariantCulture) ?? "";

    private static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
