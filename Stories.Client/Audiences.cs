using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>
/// The owner's side of audiences: who is in one is decided here, and its keys are made here. Nothing yet proves to members that
/// an epoch comes from the owner, nor to the owner that a device is the member's: signed records will, and until then the
/// service is trusted to pass on the right public keys.
/// </summary>
/// <param name="client">Speaks for the owner.</param>
/// <param name="store">The owner's device.</param>
/// <param name="self">The owner.</param>
public sealed class Audiences(StoriesClient client, DeviceStore store, UserName self)
{
    private const int MostTries = 5;

    /// <summary>Tells the service this device's public keys; repeating it is harmless.</summary>
    /// <returns>The device, as the service knows it.</returns>
    public Task<DeviceView> RegisterAsync(CancellationToken cancellationToken = default) => client.RegisterDeviceAsync(
        new DeviceRequest(store.Id, store.Identity.Recipient.ToString(), store.SigningKey.PublicKey), cancellationToken);

    /// <summary>Finds the owner's audience of that name, or founds it with nobody but the owner in it.</summary>
    public async Task<AudienceView> FindOrFoundAsync(string name, CancellationToken cancellationToken = default)
    {
        while (store.FindAudience(name) is { } known)
        {
            try
            {
                return await client.ReadAudienceAsync(known, cancellationToken);
            }
            catch (StoriesProblemException e) when (e.Code == ProblemCodes.NotFound)
            {
                // Deleted by another device of the owner, or erased with all else of the owner; another process may have founded one since.
                store.ForgetAudience(known);
            }
        }
        var id = Guid.NewGuid();
        var named = Guid.Empty;
        try
        {
            var founded = await BeginAsync(id, 1, [], await DevicesAsync([], cancellationToken), cancellationToken);
            named = store.NameAudience(name, id);
            if (named == id) return founded;
        }
        finally
        {
            // The answer was lost, or another process was faster to give the name: nobody would ever find it, and an owner has only so many.
            if (named != id) await Farewell.TryAsync(until => client.DeleteAudienceAsync(id, until));
        }
        store.ForgetAudience(id);
        return await client.ReadAudienceAsync(named, cancellationToken);
    }

    /// <summary>
    /// The same, and with an epoch whose key every device has that a member or the owner uses now: a device that came or went
    /// since the last epoch begins a new one. So does an epoch that another of the owner's devices began: only that one knows which
    /// devices got its key, and one of them may have gone since. Posting does this first.
    /// </summary>
    public async Task<AudienceView> ReadyAsync(string name, CancellationToken cancellationToken = default)
    {
        var audience = await FindOrFoundAsync(name, cancellationToken);
        var roll = store.FindRoll(audience.Id, audience.Epoch);
        var isWhole = roll is not null && (await DevicesAsync(Members(audience), cancellationToken)).Select(d => d.Id).ToHashSet().SetEquals(roll.Devices);
        return isWhole ? audience : await ChangeAsync(name, [], [], cancellationToken);
    }

    /// <summary>
    /// Changes who is in an audience, as a new epoch with a new key: who leaves cannot open what is posted from now on. A change
    /// that another of the owner's devices makes at the same time is kept; this one goes on top of it.
    /// </summary>
    /// <param name="name">As the owner calls it; founded when it is missing.</param>
    /// <param name="add">Users to take in; they need no device yet.</param>
    /// <param name="remove">Users to leave out.</param>
    /// <param name="cancellationToken">Ends the change.</param>
    /// <exception cref="NotGenuineException">The service names members or devices that cannot be.</exception>
    public async Task<AudienceView> ChangeAsync(string name, IReadOnlyCollection<UserName> add, IReadOnlyCollection<UserName> remove, CancellationToken cancellationToken = default)
    {
        var audience = await FindOrFoundAsync(name, cancellationToken);
        for (var round = 1; ; round++)
        {
            try
            {
                var members = Members(audience).Union(add).Except(remove).ToList();
                return await BeginAsync(audience.Id, audience.Epoch + 1, members, await DevicesAsync(members, cancellationToken), cancellationToken);
            }
            catch (StoriesProblemException e) when (e.Code is ProblemCodes.EpochConflict or ProblemCodes.AudienceEnvelopeMissing && round < MostTries)
            {
                // Another device of ours was faster, or somebody got a new device: look again and go on from there.
                audience = await client.ReadAudienceAsync(audience.Id, cancellationToken);
            }
        }
    }

    /// <summary>Deletes an audience with all stories that were posted to it, and forgets its keys; one that is gone already is only forgotten.</summary>
    /// <param name="name">As the owner calls it.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    /// <returns>False when the owner has no audience of that name.</returns>
    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        if (store.FindAudience(name) is not { } id) return false;
        try
        {
            await client.DeleteAudienceAsync(id, cancellationToken);
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.NotFound)
        {
            // Somebody was faster, or our own request whose answer was lost.
        }
        store.ForgetAudience(id);
        return true;
    }

    /// <summary>The identity of an epoch, from the store or from this device's envelope.</summary>
    /// <param name="audience">The audience's id.</param>
    /// <param name="number">The epoch's number, from 1.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    /// <returns>The caller's to dispose.</returns>
    /// <exception cref="NotGenuineException">The envelope holds another key than the epoch's.</exception>
    /// <exception cref="StoriesProblemException"><c>notFound</c>: this device was not there when the epoch began.</exception>
    public async Task<AgeIdentity> OpenEpochAsync(Guid audience, int number, CancellationToken cancellationToken = default)
    {
        if (store.FindEpoch(audience, number) is { } held) return held;
        var epoch = await client.ReadEpochAsync(audience, number, store.Id, cancellationToken);
        var identity = Envelope.Open(epoch.Envelope, store.Identity, epoch.Recipient, "The epoch's envelope");
        store.KeepEpoch(audience, number, identity);
        return identity;
    }

    private async Task<AudienceView> BeginAsync(Guid id, int number, IReadOnlyCollection<UserName> members, IReadOnlyList<DeviceView> devices, CancellationToken cancellationToken)
    {
        using var identity = AgeIdentity.Generate();
        var envelopes = devices.Select(d => new EpochEnvelope(d.Id, Envelope.Seal(identity, RecipientOf(d)))).ToList();
        string[] names = [.. members.Select(m => m.ToString())];
        var audience = await client.BeginEpochAsync(id, number, new EpochRequest(AudienceKind.List, identity.Recipient.ToString(), names, envelopes), cancellationToken);
        store.KeepEpoch(id, number, identity, new EpochRoll(names, [.. devices.Select(d => d.Id)]));
        return audience;
    }

    /// <summary>The owner's and the members' devices. Somebody without one is a member all the same, and gets a later epoch's key.</summary>
    private async Task<IReadOnlyList<DeviceView>> DevicesAsync(IEnumerable<UserName> members, CancellationToken cancellationToken)
    {
        var own = (await client.ListDevicesAsync(cancellationToken)).Devices;
        var others = members.Where(m => m != self).ToList();
        if (others.Count == 0) return own;
        var theirs = (await client.FindDevicesAsync(others, cancellationToken)).Devices;
        var asked = others.Select(o => o.ToString()).ToHashSet();
        return theirs.All(d => asked.Contains(d.User)) ? [.. own, .. theirs] : throw new NotGenuineException("The service names devices of somebody else.");
    }

    /// <summary>
    /// Of an epoch that this device began, it knows itself who is in it: the service cannot add anybody. It can take away whoever
    /// was erased since, who must not be named again.
    /// </summary>
    private IEnumerable<UserName> Members(AudienceView audience) =>
        (store.FindRoll(audience.Id, audience.Epoch) is { } roll ? roll.Members.Intersect(audience.Members ?? []) : audience.Members ?? [])
        .Select(text => UserName.TryParse(text, out var name) ? name : throw new NotGenuineException("The service names a member that cannot be."));

    private static AgeRecipient RecipientOf(DeviceView device) =>
        AgeRecipient.TryParse(device.Recipient, out var recipient) ? recipient : throw new NotGenuineException("The service names a device without a key.");
}
