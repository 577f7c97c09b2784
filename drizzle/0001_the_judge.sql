CREATE TABLE "rules" (
	"id" uuid PRIMARY KEY NOT NULL,
	"site_id" uuid,
	"effect" text NOT NULL,
	"field" text NOT NULL,
	"value" text NOT NULL,
	"note" text,
	"actor" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "snapshots" (
	"site_id" uuid NOT NULL,
	"n" bigint NOT NULL,
	"epoch" integer NOT NULL,
	"features_version" smallint NOT NULL,
	"counts" "bytea" NOT NULL,
	"tuning" jsonb NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "snapshots_site_id_n_pk" PRIMARY KEY("site_id","n")
);
--> statement-breakpoint
ALTER TABLE "lessons" ADD COLUMN "surprise" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "log_entries" ADD COLUMN "epoch" integer;--> statement-breakpoint
ALTER TABLE "moves" ADD COLUMN "probability" double precision;--> statement-breakpoint
ALTER TABLE "moves" ADD COLUMN "outcome" text;--> statement-breakpoint
ALTER TABLE "sites" ADD COLUMN "epoch" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sites" ADD COLUMN "snapshot_n" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sites" ADD COLUMN "rules_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "sites" ADD COLUMN "refit_leased_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "source_text" text;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "cluster_id" uuid;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "sketch" integer[];--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "forwarded" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "targets" ADD COLUMN "published_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "targets" ADD COLUMN "validators" jsonb;--> statement-breakpoint
ALTER TABLE "rules" ADD CONSTRAINT "rules_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "snapshots" ADD CONSTRAINT "snapshots_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "rules_value" ON "rules" USING btree (coalesce("site_id", '00000000-0000-0000-0000-000000000000'),"field","value");--> statement-breakpoint
CREATE INDEX "submissions_cluster" ON "submissions" USING btree ("cluster_id","status") WHERE "submissions"."cluster_id" is not null;--> statement-breakpoint
CREATE INDEX "submissions_sketch" ON "submissions" USING gin ("sketch") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "submissions_email" ON "submissions" USING btree ("site_id",lower("author_email")) WHERE "submissions"."author_email" is not null;--> statement-breakpoint
CREATE INDEX "submissions_source_host" ON "submissions" USING btree ("site_id",split_part("source", '/', 3)) WHERE "submissions"."source" is not null;--> statement-breakpoint
CREATE INDEX "submissions_source_text" ON "submissions" USING btree ("updated_at") WHERE "submissions"."source_text" is not null;
