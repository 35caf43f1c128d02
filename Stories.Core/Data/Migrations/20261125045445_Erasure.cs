using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Stories.Core.Data.Migrations
{
    /// <inheritdoc />
    public partial class Erasure : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "bucket_id",
                table: "uploads",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "leaf",
                table: "stories",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.CreateTable(
                name: "departures",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: true),
                    asked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_departures", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "erasure_leaves",
                columns: table => new
                {
                    bucket_id = table.Column<Guid>(type: "uuid", nullable: false),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_erasure_leaves", x => new { x.bucket_id, x.hash });
                    table.ForeignKey(
                        name: "FK_erasure_leaves_buckets_bucket_id",
                        column: x => x.bucket_id,
                        principalTable: "buckets",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "erasure_records",
                columns: table => new
                {
                    bucket_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_erasure_records", x => x.bucket_id);
                    table.ForeignKey(
                        name: "FK_erasure_records_buckets_bucket_id",
                        column: x => x.bucket_id,
                        principalTable: "buckets",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "takedowns",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    level = table.Column<string>(type: "text", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    moderator = table.Column<string>(type: "text", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_takedowns", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_uploads_bucket_id",
                table: "uploads",
                column: "bucket_id",
                filter: "bucket_id is not null");

            migrationBuilder.CreateIndex(
                name: "ix_stories_ended_early",
                table: "stories",
                column: "state",
                filter: "state in ('Withdrawn', 'TakenDown')");

            migrationBuilder.CreateIndex(
                name: "ix_seen_app_user",
                table: "seen",
                columns: new[] { "app", "user" });

            migrationBuilder.CreateIndex(
                name: "ix_epoch_envelopes_device_id",
                table: "epoch_envelopes",
                column: "device_id");

            migrationBuilder.CreateIndex(
                name: "ix_takedowns_at",
                table: "takedowns",
                column: "at");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "departures");

            migrationBuilder.DropTable(
                name: "erasure_leaves");

            migrationBuilder.DropTable(
                name: "erasure_records");

            migrationBuilder.DropTable(
                name: "takedowns");

            migrationBuilder.DropIndex(
                name: "ix_uploads_bucket_id",
                table: "uploads");

            migrationBuilder.DropIndex(
                name: "ix_stories_ended_early",
                table: "stories");

            migrationBuilder.DropIndex(
                name: "ix_seen_app_user",
                table: "seen");

            migrationBuilder.DropIndex(
                name: "ix_epoch_envelopes_device_id",
                table: "epoch_envelopes");

            migrationBuilder.DropColumn(
                name: "bucket_id",
                table: "uploads");

            migrationBuilder.DropColumn(
                name: "leaf",
                table: "stories");
        }
    }
}
