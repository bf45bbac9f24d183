"""The top floor: home, my map, navigation, search, the demo world."""
