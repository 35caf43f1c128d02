using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Stories.Tests.Fixtures;

/// <summary>Keeps every log line with its exception, to be searched for what must not be there.</summary>
public sealed class LogSink : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> lines = new();

    public IEnumerable<string> Lines => lines;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}

/// <summary>Outlives its host: Hangfire keeps the factory of the host that came last for the whole process, in which hosts come and go here.</summary>
internal sealed class LastingLoggerFactory(LoggerFactory factory) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => factory.CreateLogger(categoryName);

    public void AddProvider(ILoggerProvider provider) => factory.AddProvider(provider);

    public void Dispose()
    {
    }
}
