using Microsoft.EntityFrameworkCore;
using Stories.Age;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Media;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Worker.Keys;

/// <summary>From an upload's ciphertext in storage to its content in scratch, verified whole before anything looks at it.</summary>
public sealed class UploadOpener(IngestBlobs ingest, ProcessingKeyRing ring)
{
    private static readonly AgeLimits HeaderLimits = new() { MaxHeaderBytes = Limits.AgeHeaderBytes, MaxStanzas = Limits.AgeStanzas };

    /// <returns>How many bytes of scratch it takes.</returns>
    /// <exception cref="MediaRefusedException">It is not what its author signed, does not open, or needs more than <paramref name="maxBytes"/>.</exception>
    public async Task<long> DecryptAsync(Upload upload, Digest expected, string path, long maxBytes, CancellationToken cancellationToken)
    {
        using var identity = await ring.OpenAsync(upload.ProcessingKeyId, cancellationToken) ?? throw new MediaRefusedException(ProblemCodes.MediaNotDecryptable);
        await using var blob = await ingest.OpenReadAsync(upload.BlobName, cancellationToken) ?? throw new MediaRefusedException(ProblemCodes.UploadBytesLost);
        await using var digested = new DigestedReadStream(blob);
        long length;
        try
        {
            await using var plain = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite);
            await using (var decrypt = await AgeDecryptStream.OpenAsync(digested, [identity], HeaderLimits, cancellationToken))
                await decrypt.CopyToAsync(new BoundedStream(plain, maxBytes), cancellationToken);
            await TrimAsync(plain, cancellationToken);
            length = plain.Length;
        }
        catch (AgeException e)
        {
            throw new MediaRefusedException(Code(e.Failure));
        }
        if (digested.Finish() != expected) throw new MediaRefusedException(ProblemCodes.MediaDigestMismatch);
        return length;
    }

    /// <summary>Cuts the padding off.</summary>
    private static async Task TrimAsync(FileStream plain, CancellationToken cancellationToken)
    {
        if (plain.Length < Padding.TrailerBytes) return;
        var trailer = new byte[Padding.TrailerBytes];
        plain.Position = plain.Length - trailer.Length;
        await plain.ReadExactlyAsync(trailer, cancellationToken);
        plain.SetLength(Padding.ContentLength(trailer, plain.Length));
    }

    private static string Code(AgeFailure failure) => failure switch
    {
        AgeFailure.Header or AgeFailure.Limit or AgeFailure.Scrypt or AgeFailure.HeaderMac => ProblemCodes.MediaHeaderRefused,
        AgeFailure.NoMatch => ProblemCodes.MediaNotDecryptable,
        AgeFailure.Payload or AgeFailure.Truncated => ProblemCodes.MediaTruncated,
        _ => throw new ArgumentOutOfRangeException(nameof(failure)),
    };
}
