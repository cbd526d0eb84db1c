//! [`grant`]: how many workers each pool gets, of memory and accelerators.
//!
//! Every pool gets one worker, or the run is refused with what is missing. Then
//! each in turn gets another, as long as it wants one and it fits. All that this
//! depends on is said before the run; workers that do not say what memory they
//! need are measured when they are up, and counted then (see `pools`).

use wrasse_core::ByteCount;
use wrasse_job::Devices;
use wrasse_run::Error;

/// What a pool asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// What runs in it.
    pub(crate) name: String,
    /// Workers at the most.
    pub(crate) wanted: u32,
    /// What each may take, if it says so.
    pub(crate) memory: Option<ByteCount>,
    /// What each has of an accelerator of either kind.
    pub(crate) gpus: f64,
    pub(crate) npus: f64,
}

/// Variables of a worker's environment: which accelerators it sees.
pub(crate) type Sight = Vec<(&'static str, String)>;

/// What each worker of each pool sees: as many as were granted. `left`: memory
/// beside the first worker of each.
///
/// # Errors
///
/// If the first ones do not have their accelerators.
pub(crate) fn grant(
    asks: &[Ask],
    mut left: Option<ByteCount>,
    devices: &Devices,
) -> Result<Vec<Vec<Sight>>, Error> {
    let mut trays = [
        Tray::new("CUDA_VISIBLE_DEVICES", &devices.gpus),
        Tray::new("ASCEND_RT_VISIBLE_DEVICES", &devices.npus),
    ];
    let mut seats = Vec::new();
    for ask in asks {
        let sight =
            take(&mut trays, ask).map_err(|(variable, share)| missing(ask, share, variable))?;
        seats.push(vec![sight]);
    }
    let mut goes_on = true;
    while goes_on {
        goes_on = false;
        for (ask, seats) in asks.iter().zip(&mut seats) {
            let memory = ask.memory.map_or(0, |memory| memory.0);
            let fits = left.is_none_or(|left| memory <= left.0);
            if seats.len() >= ask.wanted as usize || !fits {
                continue;
            }
            if let Ok(sight) = take(&mut trays, ask) {
                left = left.map(|left| ByteCount(left.0 - memory));
                seats.push(sight);
                goes_on = true;
            }
        }
    }
    Ok(seats)
}

/// Accelerators of a kind, and what is free of each, in thousandths.
#[derive(Clone)]
struct Tray<'a> {
    variable: &'static str,
    free: Vec<(&'a str, u32)>,
}

const WHOLE: u32 = 1000;

impl<'a> Tray<'a> {
    fn new(variable: &'static str, names: &'a [String]) -> Self {
        Self {
            variable,
            free: names.iter().map(|name| (name.as_str(), WHOLE)).collect(),
        }
    }

    /// Takes whole ones that nobody shares, or a share of the fullest with room.
    fn take(&mut self, wanted: f64) -> Option<String> {
        if wanted >= 1.0 {
            let whole = self.free.iter_mut().filter(|(_, free)| *free == WHOLE);
            let taken: Vec<_> = whole.take(wanted as usize).collect();
            if taken.len() < wanted as usize {
                return None;
            }
            let names: Vec<&str> = taken.iter().map(|(name, _)| *name).collect();
            let names = names.join(",");
            taken.into_iter().for_each(|(_, free)| *free = 0);
            return Some(names);
        }
        let share = ((wanted * f64::from(WHOLE)) as u32).max(1);
        let with_room = self.free.iter_mut().filter(|(_, free)| *free >= share);
        let (name, free) = with_room.min_by_key(|(_, free)| *free)?;
        *free -= share;
        Some((*name).to_owned())
    }
}

/// What one more worker sees; else which kind is missing, and how much of it.
fn take(trays: &mut [Tray<'_>; 2], ask: &Ask) -> Result<Sight, (&'static str, f64)> {
    let before = trays.clone();
    let mut sight = Sight::new();
    for (i, wanted) in [ask.gpus, ask.npus].into_iter().enumerate() {
        if wanted <= 0.0 {
            continue;
        }
        let Some(names) = trays[i].take(wanted) else {
            let variable = trays[i].variable;
            *trays = before;
            return Err((variable, wanted));
        };
        sight.push((trays[i].variable, names));
    }
    Ok(sight)
}

fn missing(ask: &Ask, share: f64, variable: &'static str) -> Error {
    let (param, flag, file) = match variable {
        "CUDA_VISIBLE_DEVICES" => ("num_gpus", "--gpus", "/dev/nvidia0"),
        _ => ("num_npus", "--npus", "/dev/davinci0"),
    };
    Error::usage(format!(
        "a worker of `{}` needs {share} accelerators ({param}), and there are not so many: \
         they are counted by {flag}, {variable}, or devices such as {file}",
        ask.name
    ))
    .with_hint(format!(
        "`{param}: 0` lets it run without; fewer Python steps may share what there is"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, wanted: u32, mib: Option<u64>, gpus: f64) -> Ask {
        Ask {
            name: name.to_owned(),
            wanted,
            memory: mib.map(|mib| ByteCount(mib << 20)),
            gpus,
            npus: 0.0,
        }
    }

    fn n_of(granted: Result<Vec<Vec<Sight>>, Error>) -> Vec<usize> {
        granted.unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn memory_is_shared_out_in_turns() {
        let asks = [
            ask("a", 4, Some(100), 0.0),
            ask("b", 8, None, 0.0),
            ask("c", 4, Some(50), 0.0),
        ];
        let none = Devices::default();
        let with = |mib: u64| n_of(grant(&asks, Some(ByteCount(mib << 20)), &none));
        assert_eq!(with(0), [1, 8, 1]);
        assert_eq!(with(150), [2, 8, 2]);
        assert_eq!(with(210), [2, 8, 4]);
        assert_eq!(n_of(grant(&asks, None, &none)), [4, 8, 4]);
    }

    #[test]
    fn no_two_workers_see_the_same_accelerator() {
        let devices = Devices {
            gpus: ["0", "1", "2", "3"].map(str::to_owned).to_vec(),
            npus: Vec::new(),
        };
        let asks = [ask("model", 4, None, 1.0), ask("small", 4, None, 0.5)];
        let granted = grant(&asks, None, &devices).unwrap();
        let seen = |pool: usize| -> Vec<&str> {
            let seats = granted[pool].iter();
            seats.map(|sight| sight[0].1.as_str()).collect()
        };
        assert_eq!(seen(0), ["0", "2", "3"]);
        assert_eq!(seen(1), ["1", "1"]);
        let told = grant(&[ask("big", 1, None, 8.0)], None, &devices).unwrap_err();
        assert!(
            told.to_string()
                .contains("`big` needs 8 accelerators (num_gpus)")
        );
    }
}
