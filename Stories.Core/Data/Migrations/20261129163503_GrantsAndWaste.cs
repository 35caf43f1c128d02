using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Stories.Core.Data.Migrations
{
    /// <inheritdoc />
    public partial class GrantsAndWaste : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "wasted_bytes",
                table: "uploads",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string[]>(
                name: "grants",
                table: "apps",
                type: "text[]",
                nullable: false,
                defaultValue: new string[0]);

            // As those that are added from now on.
            migrationBuilder.Sql("update apps set grants = '{ads.review,ops,ops-act}' where is_development");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "wasted_bytes",
                table: "uploads");

            migrationBuilder.DropColumn(
                name: "grants",
                table: "apps");
        }
    }
}
