using Stories.Api.Hosting;

namespace Stories.Api.Apps;

internal static class AppEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        var devices = app.MapGroup("/v1").WithTags("Devices").RequireAuthorization(Scopes.View);
        devices.MapPost("/devices", RegisterDevice.Handle).WithName("registerDevice");
        devices.MapGet("/devices", Devices.HandleMine).WithName("listDevices");
        devices.MapDelete("/devices/{id:guid}", Devices.HandleRemove).WithName("removeDevice");
        devices.MapPost("/devices/find", Devices.HandleFind).WithName("findDevices");
    }
}
