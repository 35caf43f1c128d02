using System.Text;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>The owner's side of audiences: who is in one is decided here, and its keys are made here.</summary>
public sealed class Audiences(StoriesClient client, DeviceStore store, UserName self)
{
    private const int MostTries = 5;

    /// <summary>Tells the service this device's public keys.</summary>
    public Task RegisterAsync(CancellationToken cancellationToken = default) => client.RegisterDeviceAsync(
        new DeviceRequest(store.Id, store.Identity.Recipient.ToString(), store.SigningKey.PublicKey), cancellationToken);

    /// <summary>Finds the owner's audience of that name, or founds it with nobody but the owner in it.</summary>
    public async Task<AudienceView> FindOrFoundAsync(string name, CancellationToken cancellationToken = default)
    {
        if (store.FindAudience(name) is { } known) return await client.ReadAudienceAsync(known, cancellationToken);
        var id = Guid.NewGuid();
        var audience = await BeginAsync(id, 1, [], cancellationToken);
        store.NameAudience(name, id);
        return audience;
    }

    /// <summary>
    /// Changes who is in an audience, as a new epoch with a new key: who leaves cannot open what is posted from now on.
    /// </summary>
    /// <param name="name">As the owner calls it; founded when it is missing.</param>
    /// <param name="add">Users to take in.</param>
    /// <param name="remove">Users to leave out.</param>
    /// <param name="cancellationToken">Ends the change.</param>
    public async Task<AudienceView> ChangeAsync(string name, IReadOnlyCollection<UserName> add, IReadOnlyCollection<UserName> remove, CancellationToken cancellationToken = default)
    {
        var audience = await FindOrFoundAsync(name, cancellationToken);
        for (var round = 1; ; round++)
        {
            try
            {
                var members = Members(audience).Union(add).Except(remove).ToList();
                return await BeginAsync(audience.Id, audience.Epoch + 1, members, cancellationToken);
            }
            catch (StoriesProblemException e) when (e.Code is ProblemCodes.EpochConflict or ProblemCodes.AudienceEnvelopeMissing && round < MostTries)
            {
                // Another device of ours was faster, or somebody got a new device: look again and go on from there.
                audience = await client.ReadAudienceAsync(audience.Id, cancellationToken);
            }
        }
    }

    /// <summary>The identity of an epoch, from the store or from this device's envelope.</summary>
    /// <exception cref="NotGenuineException">The envelope holds another key than the epoch's.</exception>
    public async Task<AgeIdentity> OpenEpochAsync(Guid audience, int number, CancellationToken cancellationToken = default)
    {
        if (store.FindEpoch(audience, number) is { } held) return held;
        var epoch = await client.ReadEpochAsync(audience, number, store.Id, cancellationToken);
        var identity = AgeIdentity.Parse(Encoding.ASCII.GetString(AgeFile.Decrypt(epoch.Envelope, store.Identity)));
        if (identity.Recipient.ToString() != epoch.Recipient) throw new NotGenuineException("The epoch's envelope holds another key than its recipient.");
        store.KeepEpoch(audience, number, identity);
        return identity;
    }

    private async Task<AudienceView> BeginAsync(Guid id, int number, IReadOnlyCollection<UserName> members, CancellationToken cancellationToken)
    {
        var devices = new List<DeviceView>((await client.ListDevicesAsync(cancellationToken)).Devices);
        // Somebody without a device yet is a member all the same, and gets the key of the next epoch.
        devices.AddRange((await client.FindDevicesAsync(members.Where(m => m != self), cancellationToken)).Devices);
        var identity = AgeIdentity.Generate();
        var secret = Encoding.ASCII.GetBytes(identity.ExportSecret());
        var envelopes = devices.Select(d => new EpochEnvelope(d.Id, AgeFile.Encrypt(secret, AgeRecipient.Parse(d.Recipient))));
        var audience = await client.BeginEpochAsync(
            id, number, new EpochRequest(AudienceKind.List, identity.Recipient.ToString(), [.. members.Select(m => m.ToString())], [.. envelopes]), cancellationToken);
        store.KeepEpoch(id, number, identity);
        return audience;
    }

    private static IEnumerable<UserName> Members(AudienceView audience) =>
        (audience.Members ?? []).Select(text => UserName.TryParse(text, out var name) ? name : throw new NotGenuineException("The service names a member that cannot be."));
}
