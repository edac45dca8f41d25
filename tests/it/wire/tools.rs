//! What BI tools ask about tables before their first question.

use casebook::serve::limits::Limits;

use super::client::{Row, Server};
use super::desk;

/// What SQLAlchemy 1.4, and so Apache Superset, asks about a table.
#[test]
fn a_client_that_looks_for_keys_and_indexes_finds_none() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    let table = client.value("SELECT oid FROM pg_catalog.pg_class WHERE relname = 'cases'");
    for statement in [
        "SELECT a.attname FROM pg_attribute a JOIN (SELECT unnest(ix.indkey) attnum, generate_subscripts(ix.indkey, 1) ord \
         FROM pg_index ix WHERE ix.indrelid = $ AND ix.indisprimary) k ON a.attnum=k.attnum WHERE a.attrelid = $ ORDER BY k.ord",
        "SELECT i.relname as relname, ix.indisunique, ix.indexprs, a.attname, a.attnum, c.conrelid, ix.indkey::varchar, \
         ix.indoption::varchar, i.reloptions, am.amname, pg_get_expr(ix.indpred, ix.indrelid), ix.indnkeyatts as indnkeyatts \
         FROM pg_class t join pg_index ix on t.oid = ix.indrelid join pg_class i on i.oid = ix.indexrelid \
         left outer join pg_attribute a on t.oid = a.attrelid and a.attnum = ANY(ix.indkey) \
         left outer join pg_constraint c on (ix.indrelid = c.conrelid and ix.indexrelid = c.conindid and c.contype in ('p', 'u', 'x')) \
         left outer join pg_am am on i.relam = am.oid WHERE t.relkind IN ('r', 'v', 'f', 'm', 'p') and t.oid = $ \
         and ix.indisprimary = 'f' ORDER BY t.relname, i.relname",
        "SELECT cons.conname as name, cons.conkey as key, a.attnum as col_num, a.attname as col_name \
         FROM pg_catalog.pg_constraint cons join pg_attribute a on cons.conrelid = a.attrelid AND a.attnum = ANY(cons.conkey) \
         WHERE cons.conrelid = $ AND cons.contype = 'u'",
    ] {
        assert_eq!(client.query(&statement.replace('$', &table)).unwrap(), Vec::<Row>::new());
    }
}
