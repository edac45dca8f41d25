//! Turns (3.3): a customer's unanswered questions.

use super::life::{Case, Fate, Step};
use super::world::World;

/// One turn, by the indexes of its steps.
#[derive(Clone, Debug)]
pub struct Turn {
    pub n: i64,
    pub asked: usize,
    pub answered: Option<usize>,
    pub stopped: Option<usize>,
}

/// Whether a step is a reply: sent by a person while the case is open.
pub fn is_reply(world: &World, case: &Case, step: &Step) -> bool {
    step.is("message.sent") && case.fates.get(&step.index) == Some(&Fate::Applied) && !world.is_bots(step.index)
}

/// The turns of a case. The creation asks the first, which nothing stops. After the first response a customer's message
/// asks a new one where none is open; a reply answers it, a resolution or the deletion stops it.
pub fn turns(world: &World, case: &Case) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for (position, step) in case.steps.iter().enumerate() {
        let open = turns.last_mut().filter(|turn| turn.answered.is_none() && turn.stopped.is_none());
        let asks = step.is("message.received") && case.fates.get(&step.index) == Some(&Fate::Applied);
        match open {
            None if position == 0 || asks => {
                let n = turns.len() as i64 + 1;
                turns.push(Turn { n, asked: position, answered: None, stopped: None });
            }
            None => {}
            Some(turn) if is_reply(world, case, step) => turn.answered = Some(position),
            Some(turn) if turn.n > 1 && (step.resolves() || step.deletes()) => turn.stopped = Some(position),
            Some(_) => {}
        }
    }
    turns
}
