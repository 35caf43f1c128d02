using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Stories.Core.Data.Migrations
{
    /// <inheritdoc />
    public partial class TurnsAreCounted : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "enqueued_at",
                table: "stories");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "enqueued_at",
                table: "stories",
                type: "timestamp with time zone",
                nullable: true);
        }
    }
}
