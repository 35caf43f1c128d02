using Stories.Client.Cli;
using Stories.Client.Demo;

return await CommandLine.RunAsync(
    args, PostCommand.Build(), TrayCommand.Build(), ViewCommand.Build(), WithdrawCommand.Build(), ErasureCommand.Build(), AudienceCommand.Build(), TakedownCommand.Build(), EraseCommand.Build(), AdsCommand.Build(), DemoCommand.Build());
