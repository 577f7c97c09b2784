ALTER TABLE "sites" ADD COLUMN "rules_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "forwarded" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "submissions_source_host" ON "submissions" USING btree ("site_id",split_part("source", '/', 3)) WHERE "submissions"."source" is not null;