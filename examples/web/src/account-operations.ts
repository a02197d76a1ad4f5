// What signing in, staying so and signing out ask of the server.
import { graphql } from './__generated__';

export const SIGN_IN = graphql(`
  mutation SignIn($input: LoginInput!) {
    login(input: $input) {
      user {
        username
      }
      tokens {
        ...TokenPair
      }
      errors {
        ...Problem
      }
    }
  }

  fragment TokenPair on Tokens {
    accessToken
    refreshToken
    expiresIn
  }
`);

export const REGISTER = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      user {
        username
      }
      tokens {
        ...TokenPair
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const REFRESH = graphql(`
  mutation RefreshTokens($refreshToken: String!) {
    tokenRefresh(refreshToken: $refreshToken) {
      tokens {
        ...TokenPair
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const SIGN_OUT = graphql(`
  mutation SignOut {
    logout {
      ok
    }
  }
`);

export const ZONE = graphql(`
  query LoadTimeZone {
    viewer {
      id
      timeZone
    }
  }
`);

export const SET_ZONE = graphql(`
  mutation SetTimeZone($timeZone: TimeZone!) {
    profileUpdate(input: { timeZone: $timeZone }) {
      errors {
        ...Problem
      }
    }
  }
`);

export const PUSH_KEY = graphql(`
  query PushKey {
    pushPublicKey
  }
`);

export const PUSH_SUBSCRIBE = graphql(`
  mutation SubscribeToPushes($input: PushSubscribeInput!) {
    pushSubscribe(input: $input) {
      errors {
        ...Problem
      }
    }
  }
`);
