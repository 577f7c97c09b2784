CREATE TABLE "decisions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigserial NOT NULL,
	"action" text NOT NULL,
	"actor" text NOT NULL,
	"site_id" uuid,
	"note" text,
	"at" timestamp (3) with time zone NOT NULL,
	"undone_at" timestamp (3) with time zone,
	"undone_by" text
);
--> statement-breakpoint
CREATE TABLE "fetches" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"submission_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"ms" integer NOT NULL,
	"url" text NOT NULL,
	"hops" jsonb NOT NULL,
	"status" integer,
	"content_type" text,
	"bytes" integer,
	"found" text NOT NULL,
	"detail" text
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lessons" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"site_id" uuid NOT NULL,
	"submission_id" uuid NOT NULL,
	"label" text NOT NULL,
	"features" "bytea" NOT NULL,
	"features_version" smallint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_entries" (
	"site_id" uuid NOT NULL,
	"n" bigint NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"kind" text NOT NULL,
	"decision_id" uuid,
	"learned" jsonb NOT NULL,
	"unlearned" jsonb NOT NULL,
	CONSTRAINT "log_entries_site_id_n_pk" PRIMARY KEY("site_id","n")
);
--> statement-breakpoint
CREATE TABLE "moves" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"submission_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"from_status" text,
	"to_status" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"decision_id" uuid,
	"undo" boolean DEFAULT false NOT NULL,
	"lesson_before" bigint,
	"decision_before" uuid
);
--> statement-breakpoint
CREATE TABLE "site_bases" (
	"key" text PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"url" text NOT NULL,
	"site_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sites" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"settings" jsonb NOT NULL,
	"log_n" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "submissions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigserial NOT NULL,
	"site_id" uuid NOT NULL,
	"target_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"status" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"former_status" text,
	"source" text,
	"ping_key" text,
	"target" text NOT NULL,
	"author_name" text,
	"author_email" text,
	"author_url" text,
	"title" text,
	"content" text DEFAULT '' NOT NULL,
	"parent_id" uuid,
	"ref" text,
	"signals" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"ip" text,
	"ip_hash" text,
	"ip_net" text,
	"user_agent" text,
	"probability" double precision,
	"verdict" jsonb,
	"verdict_n" bigint,
	"judged_at" timestamp (3) with time zone,
	"decision_id" uuid,
	"lesson_id" bigint,
	"received_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"submitted_at" timestamp (3) with time zone,
	"due_at" timestamp (3) with time zone,
	"leased_until" timestamp (3) with time zone,
	"attempts" smallint DEFAULT 0 NOT NULL,
	"last_fetch_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "targets" (
	"id" uuid PRIMARY KEY NOT NULL,
	"site_id" uuid NOT NULL,
	"key" text NOT NULL,
	"url" text NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"title" text,
	"text" text,
	"title_told" boolean DEFAULT false NOT NULL,
	"text_told" boolean DEFAULT false NOT NULL,
	"fetched_at" timestamp (3) with time zone,
	"due_at" timestamp (3) with time zone,
	"leased_until" timestamp (3) with time zone,
	"attempts" smallint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"name" text NOT NULL,
	"scope" text NOT NULL,
	"site_id" uuid,
	"created_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "tokens_hash_unique" UNIQUE("hash"),
	CONSTRAINT "tokens_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fetches" ADD CONSTRAINT "fetches_submission_id_submissions_id_fk" FOREIGN KEY ("submission_id") REFERENCES "public"."submissions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lessons" ADD CONSTRAINT "lessons_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lessons" ADD CONSTRAINT "lessons_submission_id_submissions_id_fk" FOREIGN KEY ("submission_id") REFERENCES "public"."submissions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "log_entries" ADD CONSTRAINT "log_entries_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "log_entries" ADD CONSTRAINT "log_entries_decision_id_decisions_id_fk" FOREIGN KEY ("decision_id") REFERENCES "public"."decisions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "moves" ADD CONSTRAINT "moves_submission_id_submissions_id_fk" FOREIGN KEY ("submission_id") REFERENCES "public"."submissions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "moves" ADD CONSTRAINT "moves_decision_id_decisions_id_fk" FOREIGN KEY ("decision_id") REFERENCES "public"."decisions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "site_bases" ADD CONSTRAINT "site_bases_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "submissions" ADD CONSTRAINT "submissions_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "submissions" ADD CONSTRAINT "submissions_target_id_targets_id_fk" FOREIGN KEY ("target_id") REFERENCES "public"."targets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "submissions" ADD CONSTRAINT "submissions_parent_id_submissions_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."submissions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "targets" ADD CONSTRAINT "targets_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_site_id_sites_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."sites"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "decisions_seq" ON "decisions" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "decisions_actor" ON "decisions" USING btree ("actor","seq");--> statement-breakpoint
CREATE INDEX "decisions_site" ON "decisions" USING btree ("site_id","seq");--> statement-breakpoint
CREATE INDEX "fetches_submission" ON "fetches" USING btree ("submission_id","id");--> statement-breakpoint
CREATE INDEX "lessons_site" ON "lessons" USING btree ("site_id","id");--> statement-breakpoint
CREATE INDEX "lessons_submission" ON "lessons" USING btree ("submission_id");--> statement-breakpoint
CREATE INDEX "moves_submission" ON "moves" USING btree ("submission_id","id");--> statement-breakpoint
CREATE INDEX "moves_decision" ON "moves" USING btree ("decision_id");--> statement-breakpoint
CREATE INDEX "site_bases_host" ON "site_bases" USING btree ("host");--> statement-breakpoint
CREATE INDEX "site_bases_site" ON "site_bases" USING btree ("site_id");--> statement-breakpoint
CREATE UNIQUE INDEX "submissions_seq" ON "submissions" USING btree ("seq");--> statement-breakpoint
CREATE UNIQUE INDEX "submissions_ping" ON "submissions" USING btree ("site_id","ping_key") WHERE "submissions"."ping_key" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "submissions_ref" ON "submissions" USING btree ("site_id","ref") WHERE "submissions"."ref" is not null;--> statement-breakpoint
CREATE INDEX "submissions_target" ON "submissions" USING btree ("target_id","status","seq");--> statement-breakpoint
CREATE INDEX "submissions_queue" ON "submissions" USING btree ("status","seq");--> statement-breakpoint
CREATE INDEX "submissions_site_queue" ON "submissions" USING btree ("site_id","status","seq");--> statement-breakpoint
CREATE INDEX "submissions_probability" ON "submissions" USING btree ("status",coalesce("probability", -1),"seq");--> statement-breakpoint
CREATE INDEX "submissions_site_probability" ON "submissions" USING btree ("site_id","status",coalesce("probability", -1),"seq");--> statement-breakpoint
CREATE INDEX "submissions_outdated" ON "submissions" USING btree ("site_id","verdict_n") WHERE "submissions"."status" = 'held';--> statement-breakpoint
CREATE INDEX "submissions_due" ON "submissions" USING btree ("due_at") WHERE "submissions"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "submissions_ip" ON "submissions" USING btree ("received_at") WHERE "submissions"."ip" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "targets_key" ON "targets" USING btree ("site_id","key");--> statement-breakpoint
CREATE INDEX "targets_by_key" ON "targets" USING btree ("key");--> statement-breakpoint
CREATE INDEX "targets_site" ON "targets" USING btree ("site_id","id");--> statement-breakpoint
CREATE INDEX "targets_due" ON "targets" USING btree ("due_at") WHERE "targets"."due_at" is not null;