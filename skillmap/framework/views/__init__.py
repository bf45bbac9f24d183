"""Pages of the framework: reference for everyone signed in, editing of drafts for the secretariat."""
