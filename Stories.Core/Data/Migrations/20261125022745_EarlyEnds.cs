using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Stories.Core.Data.Migrations
{
    /// <inheritdoc />
    public partial class EarlyEnds : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_stories_ended_early",
                table: "stories",
                column: "state",
                filter: "state in ('Withdrawn', 'TakenDown', 'Rejected')");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_stories_ended_early",
                table: "stories");
        }
    }
}
