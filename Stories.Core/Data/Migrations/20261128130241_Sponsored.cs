using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Stories.Core.Data.Migrations
{
    /// <inheritdoc />
    public partial class Sponsored : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "advertisers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    legal_name = table.Column<string>(type: "text", nullable: false),
                    display_name = table.Column<string>(type: "text", nullable: false),
                    country = table.Column<string>(type: "text", nullable: false),
                    contact = table.Column<string>(type: "text", nullable: false),
                    offer_key = table.Column<byte[]>(type: "bytea", nullable: true),
                    state = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    decided_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_advertisers", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "answered",
                columns: table => new
                {
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    request_sha256 = table.Column<string>(type: "text", nullable: false),
                    status = table.Column<int>(type: "integer", nullable: false),
                    location = table.Column<string>(type: "text", nullable: true),
                    body = table.Column<byte[]>(type: "bytea", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_answered", x => new { x.app, x.user, x.key });
                });

            migrationBuilder.CreateTable(
                name: "campaigns",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    advertiser_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    objective = table.Column<string>(type: "text", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    budget_micros = table.Column<long>(type: "bigint", nullable: true),
                    settled_micros = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_campaigns", x => x.id);
                    table.CheckConstraint("ck_campaigns_settled", "settled_micros >= 0 and (budget_micros is null or settled_micros <= budget_micros)");
                });

            migrationBuilder.CreateTable(
                name: "catalogs",
                columns: table => new
                {
                    cell = table.Column<string>(type: "text", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    revision = table.Column<int>(type: "integer", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false),
                    signature = table.Column<byte[]>(type: "bytea", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    lines = table.Column<Guid[]>(type: "uuid[]", nullable: false),
                    is_dropped = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_catalogs", x => new { x.cell, x.epoch, x.revision });
                });

            migrationBuilder.CreateTable(
                name: "cell_hours",
                columns: table => new
                {
                    cell = table.Column<string>(type: "text", nullable: false),
                    hour = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    fetches = table.Column<long>(type: "bigint", nullable: false),
                    opportunities = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_cell_hours", x => new { x.cell, x.hour });
                });

            migrationBuilder.CreateTable(
                name: "counted_records",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    day = table.Column<DateOnly>(type: "date", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_counted_records", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "counts",
                columns: table => new
                {
                    line_id = table.Column<Guid>(type: "uuid", nullable: false),
                    creative = table.Column<string>(type: "text", nullable: false),
                    cell = table.Column<string>(type: "text", nullable: false),
                    hour = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    counter = table.Column<string>(type: "text", nullable: false),
                    value = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_counts", x => new { x.line_id, x.hour, x.cell, x.creative, x.counter });
                });

            migrationBuilder.CreateTable(
                name: "creatives",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    advertiser_id = table.Column<Guid>(type: "uuid", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    facts = table.Column<string>(type: "jsonb", nullable: false),
                    upload_id = table.Column<Guid>(type: "uuid", nullable: true),
                    upload_sha256 = table.Column<string>(type: "text", nullable: false),
                    upload_length = table.Column<long>(type: "bigint", nullable: false),
                    lane = table.Column<string>(type: "text", nullable: false),
                    digest = table.Column<string>(type: "text", nullable: true),
                    media = table.Column<string>(type: "jsonb", nullable: false),
                    container = table.Column<string>(type: "text", nullable: true),
                    perceptual_hash = table.Column<long>(type: "bigint", nullable: true),
                    duration = table.Column<long>(type: "bigint", nullable: true),
                    code = table.Column<string>(type: "text", nullable: true),
                    attempt = table.Column<int>(type: "integer", nullable: false),
                    claimed_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_shown_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    erased_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_creatives", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "line_creatives",
                columns: table => new
                {
                    line_id = table.Column<Guid>(type: "uuid", nullable: false),
                    creative_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_line_creatives", x => new { x.line_id, x.creative_id });
                });

            migrationBuilder.CreateTable(
                name: "line_days",
                columns: table => new
                {
                    line_id = table.Column<Guid>(type: "uuid", nullable: false),
                    day = table.Column<DateOnly>(type: "date", nullable: false),
                    budget_micros = table.Column<long>(type: "bigint", nullable: true),
                    billed = table.Column<long>(type: "bigint", nullable: false),
                    settled_micros = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_line_days", x => new { x.line_id, x.day });
                    table.CheckConstraint("ck_line_days_settled", "settled_micros >= 0 and (budget_micros is null or settled_micros <= budget_micros)");
                });

            migrationBuilder.CreateTable(
                name: "lines",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    campaign_id = table.Column<Guid>(type: "uuid", nullable: false),
                    advertiser_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    terms = table.Column<string>(type: "jsonb", nullable: false),
                    budget_kind = table.Column<string>(type: "text", nullable: false),
                    budget_micros = table.Column<long>(type: "bigint", nullable: false),
                    starts_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    billed = table.Column<long>(type: "bigint", nullable: false),
                    settled_micros = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_lines", x => x.id);
                    table.CheckConstraint("ck_lines_settled", "settled_micros >= 0 and (budget_kind <> 'Lifetime' or settled_micros <= budget_micros)");
                });

            migrationBuilder.CreateTable(
                name: "offers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    advertiser_id = table.Column<Guid>(type: "uuid", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false),
                    signature = table.Column<byte[]>(type: "bytea", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_offers", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "record_pools",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    is_open = table.Column<bool>(type: "boolean", nullable: false),
                    opened_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    entries = table.Column<byte[][]>(type: "bytea[]", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_record_pools", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "record_quotas",
                columns: table => new
                {
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    day = table.Column<DateOnly>(type: "date", nullable: false),
                    records = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_record_quotas", x => new { x.app, x.user, x.day });
                });

            migrationBuilder.CreateTable(
                name: "report_secrets",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_secrets", x => x.id);
                    table.CheckConstraint("ck_report_secrets_one", "id = 1");
                });

            migrationBuilder.CreateTable(
                name: "reviews",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    creative_id = table.Column<Guid>(type: "uuid", nullable: false),
                    decision = table.Column<string>(type: "text", nullable: true),
                    reasons = table.Column<string[]>(type: "text[]", nullable: false),
                    note = table.Column<string>(type: "text", nullable: true),
                    reviewer = table.Column<string>(type: "text", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_reviews", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "transfers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    debit = table.Column<string>(type: "text", nullable: false),
                    credit = table.Column<string>(type: "text", nullable: false),
                    amount = table.Column<long>(type: "bigint", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    advertiser_id = table.Column<Guid>(type: "uuid", nullable: false),
                    line_id = table.Column<Guid>(type: "uuid", nullable: true),
                    key = table.Column<string>(type: "text", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_transfers", x => x.id);
                    table.CheckConstraint("ck_transfers_accounts", "debit <> credit");
                    table.CheckConstraint("ck_transfers_amount", "amount > 0");
                });

            migrationBuilder.CreateTable(
                name: "wallets",
                columns: table => new
                {
                    advertiser_id = table.Column<Guid>(type: "uuid", nullable: false),
                    currency = table.Column<string>(type: "text", nullable: false),
                    balance = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_wallets", x => x.advertiser_id);
                    table.CheckConstraint("ck_wallets_balance", "balance >= 0");
                });

            migrationBuilder.CreateIndex(
                name: "ix_advertisers_app_user",
                table: "advertisers",
                columns: new[] { "app", "user" },
                unique: true,
                filter: "\"user\" <> ''");

            migrationBuilder.CreateIndex(
                name: "ix_answered_at",
                table: "answered",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_campaigns_advertiser_id",
                table: "campaigns",
                column: "advertiser_id");

            migrationBuilder.CreateIndex(
                name: "ix_catalogs_epoch",
                table: "catalogs",
                column: "epoch");

            migrationBuilder.CreateIndex(
                name: "ix_counted_records_day",
                table: "counted_records",
                column: "day");

            migrationBuilder.CreateIndex(
                name: "ix_counts_hour",
                table: "counts",
                column: "hour");

            migrationBuilder.CreateIndex(
                name: "ix_creatives_advertiser_id",
                table: "creatives",
                column: "advertiser_id");

            migrationBuilder.CreateIndex(
                name: "ix_creatives_digest",
                table: "creatives",
                column: "digest");

            migrationBuilder.CreateIndex(
                name: "ix_creatives_in_work",
                table: "creatives",
                column: "changed_at",
                filter: "state in ('Processing', 'InReview')");

            migrationBuilder.CreateIndex(
                name: "ix_creatives_upload_id",
                table: "creatives",
                column: "upload_id",
                filter: "upload_id is not null");

            migrationBuilder.CreateIndex(
                name: "ix_line_creatives_creative_id",
                table: "line_creatives",
                column: "creative_id");

            migrationBuilder.CreateIndex(
                name: "ix_lines_advertiser_id",
                table: "lines",
                column: "advertiser_id");

            migrationBuilder.CreateIndex(
                name: "ix_lines_campaign_id",
                table: "lines",
                column: "campaign_id");

            migrationBuilder.CreateIndex(
                name: "ix_lines_planned",
                table: "lines",
                column: "ends_at",
                filter: "status = 'Active'");

            migrationBuilder.CreateIndex(
                name: "ix_offers_advertiser_id",
                table: "offers",
                column: "advertiser_id");

            migrationBuilder.CreateIndex(
                name: "ix_record_pools_open",
                table: "record_pools",
                column: "is_open",
                unique: true,
                filter: "is_open");

            migrationBuilder.CreateIndex(
                name: "ix_reviews_creative_id",
                table: "reviews",
                column: "creative_id");

            migrationBuilder.CreateIndex(
                name: "ix_transfers_advertiser_id_at",
                table: "transfers",
                columns: new[] { "advertiser_id", "at" });

            migrationBuilder.CreateIndex(
                name: "ix_transfers_key",
                table: "transfers",
                column: "key",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_transfers_line_id",
                table: "transfers",
                column: "line_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "advertisers");

            migrationBuilder.DropTable(
                name: "answered");

            migrationBuilder.DropTable(
                name: "campaigns");

            migrationBuilder.DropTable(
                name: "catalogs");

            migrationBuilder.DropTable(
                name: "cell_hours");

            migrationBuilder.DropTable(
                name: "counted_records");

            migrationBuilder.DropTable(
                name: "counts");

            migrationBuilder.DropTable(
                name: "creatives");

            migrationBuilder.DropTable(
                name: "line_creatives");

            migrationBuilder.DropTable(
                name: "line_days");

            migrationBuilder.DropTable(
                name: "lines");

            migrationBuilder.DropTable(
                name: "offers");

            migrationBuilder.DropTable(
                name: "record_pools");

            migrationBuilder.DropTable(
                name: "record_quotas");

            migrationBuilder.DropTable(
                name: "report_secrets");

            migrationBuilder.DropTable(
                name: "reviews");

            migrationBuilder.DropTable(
                name: "transfers");

            migrationBuilder.DropTable(
                name: "wallets");
        }
    }
}
