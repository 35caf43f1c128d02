using Stories.Client.Cli;

return await Commands.Build().Parse(args).InvokeAsync();
