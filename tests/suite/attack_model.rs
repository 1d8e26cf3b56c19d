//! Any sequence of commands, whichever way they come in, does what a model of a page
//! says. One that does not is made as short as can be before it is shown.

mod command;
mod model;
mod system;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

use crate::common::attack::{rounds, seed};
use crate::common::edits::place_of_robin;
use command::Command;
use model::State;
use system::System;

/// Commands of one case.
const COMMANDS_MAX: usize = 14;
/// Each try is a case; a shorter history is worth a minute.
const SHRINK_ITERATIONS_MAX: u32 = 30;

struct Machine;

impl ReferenceStateMachine for Machine {
    type State = State;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<State> {
        Just(State::default()).boxed()
    }

    fn transitions(state: &State) -> BoxedStrategy<Command> {
        command::draw(state)
    }

    fn preconditions(state: &State, command: &Command) -> bool {
        state.allows(*command)
    }

    fn apply(state: State, command: &Command) -> State {
        state.then(*command).0
    }
}

fn lines(commands: &[Command]) -> String {
    commands.iter().map(|command| format!("  {command}\n")).collect()
}

/// Returns what a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn any_sequence_of_commands_does_what_the_model_says() {
    let place = place_of_robin();
    let system = RefCell::new(System::new(&place));
    let n_cases = rounds(8, 40);
    let config = Config {
        cases: u32::try_from(n_cases).expect("a small number"),
        max_shrink_iters: SHRINK_ITERATIONS_MAX,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let n_commands = RefCell::new(0);
    let strategy = Machine::sequential_strategy(1..=COMMANDS_MAX);
    let result = runner.run(&strategy, |(mut state, commands, seen)| {
        let run = || {
            let mut system = system.borrow_mut();
            system.begin();
            for command in &commands {
                // So that what was not reached is left out first.
                if let Some(seen) = &seen {
                    seen.fetch_add(1, Ordering::Relaxed);
                }
                let (after, outcome) = state.clone().then(*command);
                system.carry_out(*command, &state, &after, outcome);
                *n_commands.borrow_mut() += 1;
                state = after;
            }
            system.end(&state);
        };
        catch_unwind(AssertUnwindSafe(run)).map_err(|panic| TestCaseError::fail(said(&*panic)))
    });
    if let Err(TestError::Fail(reason, (_, commands, _))) = &result {
        panic!("seed {}: after\n{}{reason}", seed(), lines(commands));
    }
    result.unwrap_or_else(|error| panic!("seed {}: {error}", seed()));
    system.into_inner().verify();
    eprintln!("model: {n_cases} cases, {} commands, seed {}", n_commands.into_inner(), seed());
}
