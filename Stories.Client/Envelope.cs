using System.Security.Cryptography;
using System.Text;
using Stories.Age;

namespace Stories.Client;

/// <summary>
/// An identity that travels: its text, age-encrypted to somebody. Epoch keys go so to devices, story keys to epochs.
/// </summary>
internal static class Envelope
{
    public static byte[] Seal(AgeIdentity identity, AgeRecipient recipient)
    {
        var secret = Encoding.ASCII.GetBytes(identity.ExportSecret());
        var sealedSecret = AgeFile.Encrypt(secret, recipient);
        CryptographicOperations.ZeroMemory(secret);
        return sealedSecret;
    }

    /// <param name="envelope">From <see cref="Seal"/>.</param>
    /// <param name="identity">Whom it is addressed to.</param>
    /// <param name="recipient">The public half of what must be inside.</param>
    /// <param name="what">Its name, for the message.</param>
    /// <exception cref="NotGenuineException">It is not for this identity, was changed, or holds something else.</exception>
    public static AgeIdentity Open(byte[] envelope, AgeIdentity identity, string recipient, string what)
    {
        var secret = Decrypt(envelope, identity, what);
        var found = AgeIdentity.TryParse(Encoding.ASCII.GetString(secret), out var inside) ? inside : null;
        CryptographicOperations.ZeroMemory(secret);
        if (found?.Recipient.ToString() == recipient) return found;
        found?.Dispose();
        throw new NotGenuineException($"{what} holds another key than it should.");
    }

    /// <summary>Decrypts; what cannot be decrypted is not genuine: it was changed, or is not meant for this key.</summary>
    public static byte[] Decrypt(byte[] ciphertext, AgeIdentity identity, string what)
    {
        try
        {
            return AgeFile.Decrypt(ciphertext, identity);
        }
        catch (AgeException e)
        {
            throw new NotGenuineException($"{what} cannot be decrypted: {e.Message}", e);
        }
    }
}
