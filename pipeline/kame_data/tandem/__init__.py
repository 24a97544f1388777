"""The tandem: a front end that speaks at once, a recogniser that hears the user, and a back end that steers it."""
