using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Stories.Core.Data.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "apps",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false),
                    issuer = table.Column<string>(type: "text", nullable: false),
                    token_audience = table.Column<string>(type: "text", nullable: false),
                    signing_keys = table.Column<string>(type: "text", nullable: false),
                    allowed_origins = table.Column<string[]>(type: "text[]", nullable: false),
                    shares_with = table.Column<string[]>(type: "text[]", nullable: false),
                    is_development = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_apps", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audience_epochs",
                columns: table => new
                {
                    audience_id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    recipient = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audience_epochs", x => new { x.audience_id, x.number });
                });

            migrationBuilder.CreateTable(
                name: "audience_members",
                columns: table => new
                {
                    audience_id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    from_epoch = table.Column<int>(type: "integer", nullable: false),
                    to_epoch = table.Column<int>(type: "integer", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audience_members", x => new { x.audience_id, x.app, x.user, x.from_epoch });
                });

            migrationBuilder.CreateTable(
                name: "audiences",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    owner_app = table.Column<string>(type: "text", nullable: false),
                    owner_user = table.Column<string>(type: "text", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    epoch = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audiences", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "buckets",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    container = table.Column<string>(type: "text", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    opened_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    sealed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    erased_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    stories = table.Column<int>(type: "integer", nullable: false),
                    blobs = table.Column<int>(type: "integer", nullable: false),
                    bytes = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_buckets", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "data_protection_keys",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    friendly_name = table.Column<string>(type: "text", nullable: true),
                    xml = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_data_protection_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "devices",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    recipient = table.Column<string>(type: "text", nullable: false),
                    signing_key = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_devices", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "epoch_envelopes",
                columns: table => new
                {
                    audience_id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    device_id = table.Column<Guid>(type: "uuid", nullable: false),
                    envelope = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_epoch_envelopes", x => new { x.audience_id, x.number, x.device_id });
                });

            migrationBuilder.CreateTable(
                name: "processing_keys",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    recipient = table.Column<string>(type: "text", nullable: false),
                    made_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    not_after = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    destroy_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    wrapped_by = table.Column<string>(type: "text", nullable: false),
                    wrapped = table.Column<byte[]>(type: "bytea", nullable: false),
                    entry = table.Column<byte[]>(type: "bytea", nullable: false),
                    entry_signature = table.Column<byte[]>(type: "bytea", nullable: false),
                    entry_key = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_processing_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "service_keys",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false),
                    public_key = table.Column<byte[]>(type: "bytea", nullable: false),
                    made_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_service_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "stories",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    audience_id = table.Column<Guid>(type: "uuid", nullable: false),
                    epoch = table.Column<int>(type: "integer", nullable: false),
                    device_id = table.Column<Guid>(type: "uuid", nullable: false),
                    level = table.Column<string>(type: "text", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    accepted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    bucket_id = table.Column<Guid>(type: "uuid", nullable: false),
                    manifest = table.Column<byte[]>(type: "bytea", nullable: true),
                    signature = table.Column<byte[]>(type: "bytea", nullable: true),
                    signer_key = table.Column<byte[]>(type: "bytea", nullable: false),
                    manifest_sha256 = table.Column<string>(type: "text", nullable: false),
                    key_envelope = table.Column<byte[]>(type: "bytea", nullable: true),
                    payload = table.Column<byte[]>(type: "bytea", nullable: true),
                    rendition_manifest = table.Column<byte[]>(type: "bytea", nullable: true),
                    revision = table.Column<int>(type: "integer", nullable: false),
                    unfinished = table.Column<byte[]>(type: "bytea", nullable: true),
                    work = table.Column<string>(type: "text", nullable: false),
                    lane = table.Column<string>(type: "text", nullable: false),
                    work_id = table.Column<Guid>(type: "uuid", nullable: false),
                    attempt = table.Column<int>(type: "integer", nullable: false),
                    claimed_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    enqueued_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    stage = table.Column<string>(type: "text", nullable: false),
                    percent = table.Column<int>(type: "integer", nullable: false),
                    code = table.Column<string>(type: "text", nullable: true),
                    wishes_avif = table.Column<bool>(type: "boolean", nullable: false),
                    wishes_poster_at = table.Column<double>(type: "double precision", nullable: true),
                    wishes_split = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_stories", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "uploads",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    lane = table.Column<string>(type: "text", nullable: false),
                    level = table.Column<string>(type: "text", nullable: false),
                    processing_key_id = table.Column<Guid>(type: "uuid", nullable: false),
                    length = table.Column<long>(type: "bigint", nullable: false),
                    offset = table.Column<long>(type: "bigint", nullable: false),
                    epoch = table.Column<int>(type: "integer", nullable: false),
                    parts = table.Column<int>(type: "integer", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    blob_name = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    story_id = table.Column<Guid>(type: "uuid", nullable: true),
                    ordinal = table.Column<int>(type: "integer", nullable: true),
                    bytes_gone_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_uploads", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "renditions",
                columns: table => new
                {
                    story_id = table.Column<Guid>(type: "uuid", nullable: false),
                    part = table.Column<int>(type: "integer", nullable: false),
                    bucket_id = table.Column<Guid>(type: "uuid", nullable: false),
                    revision = table.Column<int>(type: "integer", nullable: false),
                    blob_name = table.Column<string>(type: "text", nullable: false),
                    length = table.Column<long>(type: "bigint", nullable: false),
                    media_type = table.Column<string>(type: "text", nullable: true),
                    duration = table.Column<TimeSpan>(type: "interval", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_renditions", x => new { x.story_id, x.part });
                    table.ForeignKey(
                        name: "FK_renditions_stories_story_id",
                        column: x => x.story_id,
                        principalTable: "stories",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "seen",
                columns: table => new
                {
                    story_id = table.Column<Guid>(type: "uuid", nullable: false),
                    app = table.Column<string>(type: "text", nullable: false),
                    user = table.Column<string>(type: "text", nullable: false),
                    bucket_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_seen", x => new { x.story_id, x.app, x.user });
                    table.ForeignKey(
                        name: "FK_seen_stories_story_id",
                        column: x => x.story_id,
                        principalTable: "stories",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "upload_blocks",
                columns: table => new
                {
                    upload_id = table.Column<Guid>(type: "uuid", nullable: false),
                    ordinal = table.Column<int>(type: "integer", nullable: false),
                    block_id = table.Column<string>(type: "text", nullable: false),
                    length = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_upload_blocks", x => new { x.upload_id, x.ordinal });
                    table.ForeignKey(
                        name: "FK_upload_blocks_uploads_upload_id",
                        column: x => x.upload_id,
                        principalTable: "uploads",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_apps_issuer_token_audience",
                table: "apps",
                columns: new[] { "issuer", "token_audience" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_audience_members_app_user",
                table: "audience_members",
                columns: new[] { "app", "user" });

            migrationBuilder.CreateIndex(
                name: "ix_audiences_owner_app_owner_user",
                table: "audiences",
                columns: new[] { "owner_app", "owner_user" });

            migrationBuilder.CreateIndex(
                name: "ix_buckets_container",
                table: "buckets",
                column: "container",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_buckets_ends_at",
                table: "buckets",
                column: "ends_at",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_devices_app_user",
                table: "devices",
                columns: new[] { "app", "user" });

            migrationBuilder.CreateIndex(
                name: "ix_renditions_bucket_id",
                table: "renditions",
                column: "bucket_id");

            migrationBuilder.CreateIndex(
                name: "ix_seen_bucket_id",
                table: "seen",
                column: "bucket_id");

            migrationBuilder.CreateIndex(
                name: "ix_stories_app_user_expires_at",
                table: "stories",
                columns: new[] { "app", "user", "expires_at" });

            migrationBuilder.CreateIndex(
                name: "ix_stories_audience_id_app_user_expires_at",
                table: "stories",
                columns: new[] { "audience_id", "app", "user", "expires_at" });

            migrationBuilder.CreateIndex(
                name: "ix_stories_bucket_id",
                table: "stories",
                column: "bucket_id");

            migrationBuilder.CreateIndex(
                name: "ix_stories_first_revision",
                table: "stories",
                columns: new[] { "lane", "app", "user", "accepted_at" },
                filter: "work = 'Pending' and revision = 0");

            migrationBuilder.CreateIndex(
                name: "ix_stories_further_revisions",
                table: "stories",
                columns: new[] { "lane", "app", "user", "accepted_at" },
                filter: "work = 'Pending' and revision > 0");

            migrationBuilder.CreateIndex(
                name: "ix_stories_lane_accepted_at",
                table: "stories",
                columns: new[] { "lane", "accepted_at" },
                filter: "work = 'Pending'");

            migrationBuilder.CreateIndex(
                name: "ix_stories_lane_app_started_at",
                table: "stories",
                columns: new[] { "lane", "app", "started_at" },
                filter: "started_at is not null");

            migrationBuilder.CreateIndex(
                name: "ix_stories_lane_app_user_started_at",
                table: "stories",
                columns: new[] { "lane", "app", "user", "started_at" },
                filter: "started_at is not null");

            migrationBuilder.CreateIndex(
                name: "ix_uploads_app_user_created_at",
                table: "uploads",
                columns: new[] { "app", "user", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_uploads_expires_at",
                table: "uploads",
                column: "expires_at");

            migrationBuilder.CreateIndex(
                name: "ix_uploads_story_id",
                table: "uploads",
                column: "story_id",
                filter: "story_id is not null");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "apps");

            migrationBuilder.DropTable(
                name: "audience_epochs");

            migrationBuilder.DropTable(
                name: "audience_members");

            migrationBuilder.DropTable(
                name: "audiences");

            migrationBuilder.DropTable(
                name: "buckets");

            migrationBuilder.DropTable(
                name: "data_protection_keys");

            migrationBuilder.DropTable(
                name: "devices");

            migrationBuilder.DropTable(
                name: "epoch_envelopes");

            migrationBuilder.DropTable(
                name: "processing_keys");

            migrationBuilder.DropTable(
                name: "renditions");

            migrationBuilder.DropTable(
                name: "seen");

            migrationBuilder.DropTable(
                name: "service_keys");

            migrationBuilder.DropTable(
                name: "upload_blocks");

            migrationBuilder.DropTable(
                name: "stories");

            migrationBuilder.DropTable(
                name: "uploads");
        }
    }
}
