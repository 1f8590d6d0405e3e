//! What a role may do with a table: grants, down to the column, and row policies.
