//! A table from things to their numbers, which does not hold the things: they lie in a list elsewhere, in
//! the order of their numbers.

/// The numbers, at places by the hash of what has them.
pub struct Numbers {
    places: Vec<u32>,
    count: usize,
}

/// Nothing is here.
const FREE: u32 = u32::MAX;

impl Numbers {
    /// Room for about this many before the table grows.
    pub fn with_room(count: usize) -> Numbers {
        Numbers { places: vec![FREE; (2 * count).next_power_of_two().max(2)], count: 0 }
    }

    /// The number of the thing with this hash for which `is` holds, or the place for one.
    pub fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let last = self.places.len() - 1;
        let mut place = hash as usize & last;
        loop {
            match self.places[place] {
                FREE => return Err(place),
                number if is(number) => return Ok(number),
                _ => place = (place + 1) & last,
            }
        }
    }

    /// Puts a number at the place that was found for it. Half of the places stay free.
    pub fn put(&mut self, place: usize, number: u32, hash_of: impl Fn(u32) -> u64) {
        self.places[place] = number;
        self.count += 1;
        if 2 * self.count > self.places.len() {
            let places = vec![FREE; 4 * self.places.len()];
            for number in std::mem::replace(&mut self.places, places) {
                if number != FREE
                    && let Err(place) = self.find(hash_of(number), |_| false)
                {
                    self.places[place] = number;
                }
            }
        }
    }
}
