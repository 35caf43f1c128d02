namespace Stories.Api.Uploads;

/// <summary>
/// Which request takes each upload's bytes in this process: the newest. An older one, half-open or trickling, gives back what it holds of
/// the buffers once what it is staging is staged, not with its next block: an account has one block in them for each upload that it has open.
/// </summary>
internal sealed class UploadHolds
{
    private readonly Dictionary<Guid, Turn> newest = [];

    public Turn Enter(UploadHold hold)
    {
        var turn = new Turn(this, hold);
        lock (newest)
        {
            var other = newest.GetValueOrDefault(hold.Id);
            // Two may come here in another order than the database gave them the upload.
            var isLate = other?.Epoch > hold.Epoch;
            if (!isLate) newest[hold.Id] = turn;
            (isLate ? turn : other)?.End();
        }
        return turn;
    }

    private void Leave(Guid upload, Turn turn)
    {
        lock (newest)
        {
            if (newest.GetValueOrDefault(upload) == turn) newest.Remove(upload);
        }
    }

    /// <summary>One request's, until it is disposed of.</summary>
    public sealed class Turn(UploadHolds holds, UploadHold hold) : IDisposable
    {
        private readonly CancellationTokenSource superseded = new();

        public int Epoch => hold.Epoch;

        /// <summary>Cancelled when a newer request takes the upload.</summary>
        public CancellationToken Superseded => superseded.Token;

        /// <summary>Only under the lock, so never of a turn that has left.</summary>
        internal void End() => superseded.Cancel();

        public void Dispose()
        {
            holds.Leave(hold.Id, this);
            superseded.Dispose();
        }
    }
}
