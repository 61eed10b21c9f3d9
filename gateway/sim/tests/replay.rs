//! A run is a function of its seed.

#[test]
fn a_seed_tells_the_same_story_every_time() {
    for seed in 0..40 {
        let (first, result) = sim::tell(seed);
        let (second, again) = sim::tell(seed);
        assert!(first == second, "seed {seed} told two stories");
        assert_eq!(result, again);
        assert!(first.lines().count() > 10, "seed {seed}: {first}");
    }
}

#[test]
fn a_story_names_nobody_and_quotes_nothing() {
    for seed in 0..40 {
        let (told, _) = sim::tell(seed);
        for private in ["0101111", "82101111", "hello", "안녕", "(광고)", "15881234", "instead"] {
            assert!(!told.contains(private), "seed {seed} shows {private}");
        }
    }
}
