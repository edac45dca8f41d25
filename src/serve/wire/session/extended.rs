//! The extended protocol: statements that are prepared, get values, are described, and answered in parts.

use std::sync::Arc;

use tokio::io::AsyncWrite;

use super::super::message::{Bind, Message};
use super::super::prepared::{Portal, Prepared, values};
use super::super::problem::{Answer, Problem, SYNTAX};
use super::super::rows;
use super::super::statement::Asked;
use super::super::tables::Planned;
use super::{Begun, Session, complete_tag};

impl<W: AsyncWrite + Unpin> Session<W> {
    /// Answers a message of the protocol.
    pub(super) async fn extended(&mut self, message: Message) -> Answer<()> {
        let ends = self.ends.clone();
        let time = self.settings.question_time();
        match message {
            Message::Parse { name, text, types } => ends.limit(time, self.parse(name, &text, types)).await,
            Message::Bind(bind) => ends.limit(time, self.bind(bind)).await,
            Message::DescribeStatement(name) => ends.limit(time, self.describe_statement(&name)).await,
            Message::DescribePortal(name) => ends.limit(time, self.describe_portal(&name)).await,
            Message::Execute { portal, rows_max } => ends.limit(time, self.execute(portal, rows_max)).await,
            Message::CloseStatement(name) => {
                self.named.forget_statement(Some(&name));
                self.output.signal(b'3');
                Ok(())
            }
            Message::ClosePortal(name) => {
                self.named.close_portals(Some(&name));
                self.output.signal(b'3');
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn parse(&mut self, name: String, text: &str, declared: Vec<u32>) -> Answer<()> {
        let mut statements = self.shared.reader.read(text)?;
        if statements.len() > 1 {
            return Err(Problem::new(SYNTAX, "a prepared statement is one statement"));
        }
        let prepared = Prepared::new(statements.pop(), declared, text.len());
        if let Some(asked) = &prepared.asked {
            self.check_transaction(asked)?;
            prepared.plan(&self.tables().await?).await?;
        }
        self.named.keep_statement(name, prepared)?;
        self.output.signal(b'1');
        Ok(())
    }

    async fn bind(&mut self, bind: Bind) -> Answer<()> {
        let prepared = self.named.statement(&bind.statement)?;
        let planned = prepared.plan(&self.tables().await?).await?;
        let values = values(&bind, planned.as_ref().map_or(&[], |planned| planned.parameters.as_slice()))?;
        if let (Some(planned), Some(Asked::Question(_))) = (&planned, &prepared.asked) {
            rows::fields(&planned.shown, &bind.result_formats)?;
        }
        let result_formats = bind.result_formats;
        let portal = Portal { prepared, values, result_formats, rows: None, is_begun: false, is_cursor: false };
        self.named.keep_portal(bind.portal, portal)?;
        self.output.signal(b'2');
        Ok(())
    }

    async fn describe_statement(&mut self, name: &str) -> Answer<()> {
        let prepared = self.named.statement(name)?;
        let planned = prepared.plan(&self.tables().await?).await?;
        let types: Vec<u32> = planned.iter().flat_map(|planned| &planned.parameters).map(|it| it.oid).collect();
        self.output.parameters(&types);
        self.describe(&prepared, planned, &[])
    }

    async fn describe_portal(&mut self, name: &str) -> Answer<()> {
        let portal = self.named.portal(name)?;
        if let Some(rows) = &portal.rows {
            let fields = rows::fields(rows.shown(), &portal.result_formats)?;
            self.output.columns(&fields);
            return Ok(());
        }
        let (prepared, formats) = (Arc::clone(&portal.prepared), portal.result_formats.clone());
        let planned = prepared.plan(&self.tables().await?).await?;
        self.describe(&prepared, planned, &formats)
    }

    /// Sends the columns that a statement gives, or that it gives none.
    fn describe(&mut self, prepared: &Prepared, planned: Option<Planned>, formats: &[i16]) -> Answer<()> {
        let shown = match &prepared.asked {
            Some(Asked::Question(_)) => planned.map(|planned| planned.shown),
            Some(Asked::Show(name)) => Some(rows::texts(&[name.as_str()])),
            Some(Asked::ShowAll) => Some(rows::texts(&["name", "setting"])),
            Some(Asked::Fetch { cursor, .. }) => {
                self.named.portal(cursor)?.rows.as_ref().map(|rows| Arc::clone(rows.shown()))
            }
            _ => None,
        };
        match shown {
            Some(shown) => self.output.columns(&rows::fields(&shown, formats)?),
            None => self.output.signal(b'n'),
        }
        Ok(())
    }

    async fn execute(&mut self, name: String, rows_max: usize) -> Answer<()> {
        let mut portal = self.named.take_portal(&name)?;
        let answered = self.execute_portal(&mut portal, rows_max).await;
        // It may have been closed by what it did, as by the end of a transaction; then it is of no use, but does no harm.
        if answered.is_ok() {
            self.named.keep_portal(name, portal)?;
        }
        answered
    }

    async fn execute_portal(&mut self, portal: &mut Portal, rows_max: usize) -> Answer<()> {
        let permit = self.permit().await?;
        if portal.prepared.asked.is_none() {
            self.output.signal(b'I');
            return Ok(());
        }
        let mut tag = tag_of(&portal.prepared);
        if !portal.is_begun {
            portal.is_begun = true;
            let prepared = Arc::clone(&portal.prepared);
            match self.begin(&prepared, portal.values.clone()).await? {
                Begun::Done(tag) => {
                    self.output.complete(&tag);
                    return Ok(());
                }
                Begun::Fetch(cursor, rows_max) => {
                    return self.fetch(&cursor, rows_max, &portal.result_formats.clone(), false).await;
                }
                Begun::Rows(rows, of_rows) => (portal.rows, tag) = (Some(rows), of_rows),
            }
        }
        let Some(rows) = &mut portal.rows else {
            self.output.complete(&complete_tag(tag, 0));
            return Ok(());
        };
        let fields = rows::fields(rows.shown(), &portal.result_formats)?;
        let max = (rows_max > 0).then_some(rows_max);
        let sent = rows.send(&mut self.output, &fields, max).await?;
        drop(permit);
        match max {
            Some(max) if sent == max => self.output.signal(b's'),
            _ => self.output.complete(&complete_tag(tag, sent)),
        }
        Ok(())
    }
}

/// What a statement is called when its rows are sent.
fn tag_of(prepared: &Prepared) -> &'static str {
    match &prepared.asked {
        Some(Asked::Question(question)) => question.tag,
        Some(Asked::Show(_) | Asked::ShowAll) => "SHOW",
        Some(Asked::Fetch { .. }) => "FETCH",
        _ => "SELECT",
    }
}
